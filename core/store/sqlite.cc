// SPDX-License-Identifier: Apache-2.0
#include "core/store/sqlite.h"

#include <cerrno>
#include <cstring>
#include <limits>

#include "core/error.h"

namespace bitwright {
namespace {

std::string reason(sqlite3* handle) {
  const int code = sqlite3_extended_errcode(handle);
  const int error = sqlite3_system_errno(handle);
  std::string text = sqlite3_errmsg(handle);
  if ((code & 0xff) == SQLITE_IOERR && error != 0) text += std::string(" (") + std::strerror(error) + ")";
  const bool full = (code & 0xff) == SQLITE_FULL || ((code & 0xff) == SQLITE_IOERR && error == ENOSPC);
  return full ? "the disk is full (" + text + "): make room and run the same command again" : text;
}

}  // namespace

Database::Database(const std::string& path, OpenMode mode) : path_(path) {
  const int flags = mode == OpenMode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (sqlite3_open_v2(path.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK) {
    const std::string why = reason(handle_);
    sqlite3_close(handle_);
    throw StoreError(path_ + ": open: " + why);
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_busy_timeout(handle_, 10000);
}

Database::~Database() {
  sqlite3_close(handle_);
}

void Database::execute(const std::string& sql) const {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

int64_t Database::integer(const std::string& sql) const {
  Statement statement(*this, sql);
  return statement.next() ? statement.integer(0) : 0;
}

std::string Database::text(const std::string& sql) const {
  Statement statement(*this, sql);
  return statement.next() ? statement.text(0) : "";
}

void Database::fail() const {
  fail(reason(handle_));
}

void Database::fail(const std::string& why) const {
  throw StoreError(path_ + ": " + operation_ + ": " + why);
}

void Statement::prepare(std::string_view sql) {
  check(sqlite3_prepare_v2(database_.handle(), sql.data(), static_cast<int>(sql.size()), &statement_, nullptr));
}

void Statement::check(int code) const {
  if (code == SQLITE_OK) return;
  const std::string why = reason(database_.handle());
  sqlite3_finalize(statement_);  // a constructor that throws runs no destructor
  database_.fail(why);
}

bool Statement::next() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail();
  return false;
}

void Statement::run() {
  while (next()) {
  }
}

void Statement::run_with(const Statement& row) {
  for (int column = 0; column < sqlite3_column_count(row.statement_); ++column)
    if (sqlite3_bind_value(statement_, column + 1, sqlite3_column_value(row.statement_, column)) != SQLITE_OK)
      database_.fail();
  run();
  sqlite3_reset(statement_);
}

double Statement::real(int column) const {
  return is_null(column) ? std::numeric_limits<double>::quiet_NaN() : sqlite3_column_double(statement_, column);
}

std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
  return bytes ? std::string(static_cast<const char*>(bytes), size) : std::string();
}

Transaction::~Transaction() {
  // SQLite has rolled back by itself where the disk was full; then this one says so and changes nothing.
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace bitwright
