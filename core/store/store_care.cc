// SPDX-License-Identifier: Apache-2.0
#include "core/store/store_care.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/hash.h"
#include "core/store/file_guard.h"
#include "core/store/schema.h"
#include "core/store/sqlite.h"
#include "core/store/trial_rows.h"
#include "core/store/trial_store.h"

namespace bitwright {
namespace {

// Tables whose rows belong to a trial, with the version that brought them. "attempt" and others refer to it as `trial`.
struct TrialTable {
  const char* name;
  int64_t since;
};
constexpr std::array<TrialTable, 12> kOfTrials = {{{"attempt", 1},
                                                   {"param", 1},
                                                   {"value", 1},
                                                   {"layer", 1},
                                                   {"violation", 1},
                                                   {"epoch", 1},
                                                   {"artifact", 1},
                                                   {"proposal", 2},
                                                   {"proposal_parent", 2},
                                                   {"proposal_rejection", 2},
                                                   {"stage", 3},
                                                   {"measurement", 5}}};
// Others: without the first ones there is no study.
constexpr std::array<TrialTable, 3> kOfStudy = {{{"study", 1}, {"objective", 1}, {"meta", 1}}};
constexpr std::array<TrialTable, 5> kBesides = {
    {{"rejection", 1}, {"event", 1}, {"earlier_study", 2}, {"earlier_result", 2}, {"dimension", 4}}};

constexpr int64_t kMissing = 1000;  // numbers without a trial, beyond the last that any table names

// To the disk; a folder as well. False where the disk refuses.
bool sync(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool done = ::fsync(descriptor) == 0;
  ::close(descriptor);
  return done;
}

// In the words of a message.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) text.replace(at, from.size(), to);
  return text;
}

void refuse_to_replace(const std::string& path) {
  if (std::filesystem::exists(path)) throw StoreError(path + ": it is there already; name another file");
}

// A file beside its destination, that becomes it as a whole, or goes.
class UnfinishedFile {
 public:
  explicit UnfinishedFile(const std::string& destination) : destination_(destination), part_(destination + ".part") {
    refuse_to_replace(destination);
    remove();
  }
  ~UnfinishedFile() { remove(); }
  UnfinishedFile(const UnfinishedFile&) = delete;
  UnfinishedFile& operator=(const UnfinishedFile&) = delete;

  const std::string& path() const { return part_; }
  void publish() {
    if (!sync(part_) || ::link(part_.c_str(), destination_.c_str()) != 0)
      throw StoreError(fmt::format("{}: cannot be made: {}", destination_, std::strerror(errno)));
    sync(std::filesystem::absolute(destination_).parent_path());
  }

 private:
  void remove() const {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(part_ + suffix, ignored);
  }

  std::string destination_, part_;
};

template <class Check>
void note(std::vector<std::string>& problems, const Check& check) {
  try {
    check();
  } catch (const StoreError& error) {
    problems.emplace_back(error.what());
  }
}

std::vector<int64_t> numbers_of(const Database& database, const char* sql) {
  std::vector<int64_t> numbers;
  Statement rows(database, sql);
  while (rows.next()) numbers.push_back(rows.integer(0));
  return numbers;
}

void check_artifacts(const Database& database, int64_t trial) {
  Statement rows(database, "SELECT kind, content, sha256 FROM artifact WHERE trial = ?", trial);
  while (rows.next())
    if (sha256_hex(rows.text(1)) != rows.text(2))
      database.fail(fmt::format("artifact {} of trial {} does not match its SHA-256", rows.text(0), trial));
}

// A trial that can be told to a search: all that is read of it, and a result where it says that it has one.
void check_trial(const Database& database, int64_t number) {
  const std::vector<Trial> found = select_trials(database, fmt::format("number = {}", number), "number");
  if (found.empty()) database.fail(fmt::format("trial {} is not there", number));
  if (found[0].state == TrialState::kComplete && !select_metrics(database, number, "validation"))
    database.fail(fmt::format("trial {} is complete without a result", number));
  check_artifacts(database, number);
}

// The rows that can be read of a damaged store, in a new one.
class Rescue {
 public:
  Rescue(const std::string& damaged, const std::string& made)
      : from_(damaged, OpenMode::kReadWrite), to_(made, OpenMode::kReadWrite) {
    from_.announce("read what is left");
    to_.announce("salvage");
    version_ = std::clamp<int64_t>(from_.integer("PRAGMA user_version"), 1, kSchemaVersion);
    for (int64_t step = 0; step < version_; ++step) to_.execute(kSchemaSteps[static_cast<size_t>(step)]);
    to_.execute(fmt::format("PRAGMA user_version = {}; PRAGMA application_id = {}; PRAGMA foreign_keys = OFF", version_,
                            kApplicationId));
  }

  Salvage run() {
    to_.execute("BEGIN");
    copy_study();
    copy_trials();
    for (const TrialTable& table : kBesides)
      if (table.since <= version_ && !copied(table.name, "")) salvage_.tables.emplace_back(table.name);
    if (version_ >= 2) to_.execute("DELETE FROM proposal_parent WHERE parent NOT IN (SELECT number FROM trial)");
    add_event();
    to_.execute("COMMIT");
    return salvage_;
  }

 private:
  // Of the rows for which `condition` holds all or none.
  bool copied(const std::string& table, const std::string& condition) {
    std::vector<std::string> unreadable;
    to_.execute("SAVEPOINT copy");
    note(unreadable, [&] { copy(table, condition); });
    to_.execute(unreadable.empty() ? "RELEASE copy" : "ROLLBACK TO copy; RELEASE copy");
    return unreadable.empty();
  }

  void copy(const std::string& table, const std::string& condition) {
    Statement columns(to_, fmt::format("SELECT count(*) FROM pragma_table_info('{}')", table));
    columns.next();
    const std::vector<std::string> marks(static_cast<size_t>(columns.integer(0)), "?");
    Statement insert(to_, fmt::format("INSERT INTO {} VALUES ({})", table, fmt::join(marks, ", ")));
    Statement rows(from_, fmt::format("SELECT * FROM {} {}", table, condition));
    while (rows.next()) insert.run_with(rows);
  }

  void copy_study() {
    for (const TrialTable& table : kOfStudy)
      if (!copied(table.name, ""))
        to_.fail(fmt::format("the table {} cannot be read, so that there is no telling which study it is", table.name));
    if (to_.integer("SELECT count(*) FROM study") != 1) to_.fail("there is no study in it");
  }

  void copy_trials() {
    const int64_t last = last_number();
    int64_t missing = 0;
    for (int64_t number = 0; number <= last || missing < kMissing; ++number) {
      const bool there = exists(number);
      if (there && copy_trial(number))
        ++salvage_.kept;
      else if (there || number <= last)
        salvage_.lost.push_back(number);
      else
        ++missing;
    }
  }

  bool exists(int64_t number) const {
    bool there = false;
    std::vector<std::string> unreadable;
    note(unreadable, [&] { there = Statement(from_, "SELECT 1 FROM trial WHERE number = ?", number).next(); });
    return there;
  }

  // The greatest that any table names; -1: none does.
  int64_t last_number() const {
    int64_t last = -1;
    std::vector<std::string> places = {"SELECT coalesce(max(number), -1) FROM trial"};
    for (const TrialTable& table : kOfTrials)
      if (table.since <= version_) places.push_back(fmt::format("SELECT coalesce(max(trial), -1) FROM {}", table.name));
    for (const std::string& sql : places) {
      std::vector<std::string> unreadable;
      note(unreadable, [&] { last = std::max(last, from_.integer(sql)); });
    }
    return last;
  }

  bool copy_trial(int64_t number) {
    to_.execute("SAVEPOINT one");
    bool whole = copied("trial", fmt::format("WHERE number = {}", number));
    for (const TrialTable& table : kOfTrials)
      whole = whole && (table.since > version_ || copied(table.name, fmt::format("WHERE trial = {}", number)));
    if (whole) {
      std::vector<std::string> problems;
      note(problems, [&] { check_trial(to_, number); });
      whole = problems.empty();
    }
    to_.execute(whole ? "RELEASE one" : "ROLLBACK TO one; RELEASE one");
    return whole;
  }

  void add_event() {
    const std::string json = nlohmann::json{{"kept", salvage_.kept}, {"lost", salvage_.lost}}.dump();
    Statement(to_, "INSERT INTO event (time_us, kind, json) VALUES (unixepoch() * 1000000, 'salvaged', ?)", json).run();
  }

  Database from_, to_;
  int64_t version_ = 0;
  Salvage salvage_;
};

}  // namespace

std::vector<std::string> check_store(const std::string& path) {
  std::vector<std::string> problems;
  note(problems, [&] {
    const TrialStore store = TrialStore::open_read_only(path);
    note(problems, [&] {
      if (const std::string verdict = store.integrity(); !verdict.empty()) throw StoreError(path + ": " + verdict);
    });
    note(problems, [&] { store.study(); });
    note(problems, [&] { store.earlier(); });
    const Database database(path, OpenMode::kReadOnly);
    database.announce("check");
    note(problems, [&] {
      for (const int64_t number : numbers_of(database, "SELECT number FROM trial ORDER BY number"))
        note(problems, [&] { check_trial(database, number); });
    });
  });
  return problems;
}

void back_up_store(const std::string& path, const std::string& destination) {
  TrialStore::open_read_only(path);  // a store, of a version that is known
  UnfinishedFile copy(destination);
  {
    const Database database(path, OpenMode::kReadOnly);
    database.announce("copy to " + destination);
    Statement(database, "VACUUM INTO ?", copy.path()).run();
  }
  const std::string verdict = TrialStore::open_read_only(copy.path()).integrity();
  if (!verdict.empty()) throw StoreError(path + ": the copy is damaged, so the store is: " + verdict);
  copy.publish();
}

Salvage salvage_store(const std::string& path, const std::string& destination) {
  if (!std::filesystem::exists(path)) throw StoreError(path + ": there is no such store");
  const LockFile lock(path + ".lock");
  UnfinishedFile made(destination), damaged(destination + ".damaged");
  std::error_code error;
  std::filesystem::copy_file(path, damaged.path(), error);
  if (!error && std::filesystem::exists(path + "-wal"))
    std::filesystem::copy_file(path + "-wal", damaged.path() + "-wal", error);
  if (error) throw StoreError(fmt::format("{}: cannot be copied: {}", path, error.message()));
  try {
    Salvage salvage = Rescue(damaged.path(), made.path()).run();
    made.publish();
    return salvage;
  } catch (const StoreError& failure) {  // in the names that the user knows
    throw StoreError(replaced(replaced(failure.what(), damaged.path(), path), made.path(), destination));
  }
}

}  // namespace bitwright
