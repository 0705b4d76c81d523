// core/store/sqlite.h: SQLite with errors as StoreError and resources that close themselves. Inside core/store only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bitwright {

enum class OpenMode { kReadWrite, kReadOnly };

// One connection. Errors are `path: operation: reason`, where the operation is the last one announced.
class Database {
 public:
  Database(const std::string& path, OpenMode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_; }
  // What the next statements are for: "finish trial 3".
  void announce(std::string operation) const { operation_ = std::move(operation); }

  // One or more statements without results.
  void execute(const std::string& sql) const;
  int64_t integer(const std::string& sql) const;
  std::string text(const std::string& sql) const;
  // Throws StoreError for the connection's last error.
  [[noreturn]] void fail() const;
  [[noreturn]] void fail(const std::string& reason) const;

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
  mutable std::string operation_ = "open";
};

// One SQL statement with its parameters, read row by row.
class Statement {
 public:
  template <class... Values>
  explicit Statement(const Database& database, std::string_view sql, const Values&... values) : database_(database) {
    prepare(sql);
    (bind(values), ...);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Steps to the next row; false at the end.
  bool next();
  // Steps to the end.
  void run();
  // Likewise, with the columns of another statement's current row as parameters; any number of times.
  void run_with(const Statement& row);

  // Columns of the current row, from 0. A NULL real is NaN, other NULLs are 0 or empty.
  int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  double real(int column) const;
  std::string text(int column) const;  // also of a blob

 private:
  void prepare(std::string_view sql);
  void check(int code) const;  // of the constructor alone
  void bind(int64_t value) { check(sqlite3_bind_int64(statement_, ++parameters_, value)); }
  void bind(int value) { bind(int64_t{value}); }
  void bind(double value) { check(sqlite3_bind_double(statement_, ++parameters_, value)); }  // NaN becomes NULL
  void bind(const std::string& value) {
    check(sqlite3_bind_text64(statement_, ++parameters_, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  void bind(std::string_view value) {  // a blob
    check(sqlite3_bind_blob64(statement_, ++parameters_, value.data(), value.size(), SQLITE_TRANSIENT));
  }
  void bind(const std::optional<int64_t>& value) {
    if (value) return bind(*value);
    check(sqlite3_bind_null(statement_, ++parameters_));
  }

  const Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int parameters_ = 0;
};

// One state of the file for several reads, whatever a writer commits meanwhile.
class Snapshot {
 public:
  explicit Snapshot(const Database& database) : database_(database) { database_.execute("SAVEPOINT snapshot"); }
  ~Snapshot() { sqlite3_exec(database_.handle(), "RELEASE snapshot", nullptr, nullptr, nullptr); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  const Database& database_;
};

// All or nothing: rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(const Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  const Database& database_;
  bool open_ = true;
};

}  // namespace bitwright
