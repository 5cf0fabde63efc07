// One SQLite file: opened, checked, its statements prepared once, its transactions nested. The only
// door to SQLite; knows nothing of what is kept in it.
//
// Thread-compatible: StateStore takes turns. Errors: NoSpace if the disk is full, Io and Denied if
// the kernel refused, Corruption if the file is damaged or no database, Busy if another process has
// it, AlreadyExists for a broken UNIQUE, InvalidArgument for a broken CHECK; each names the file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace varve::agent {

class Database;

// A value of a statement's parameter; monostate is NULL.
using SqlValue = std::variant<std::monostate, int64_t, std::string>;

// A prepared statement in use, by whoever asked Database::Prepare for it; given back when it goes
// out of scope. At most one use of the same text at a time.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Parameters by position, from the first one not yet given.
  Statement& Bind(const SqlValue& value);
  // True: a row stands ready. False: there is none more.
  Result<bool> Step();
  // Steps to the end of a statement that gives no rows.
  Status Run();

  // Of the row that stands ready. NULL is 0 and empty.
  bool IsNull(int column) const;
  int64_t Integer(int column) const;
  std::string Text(int column) const;

 private:
  friend class Database;
  Statement(Database* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  Database* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
  Status bind_status_;
};

class Database {
 public:
  // Creates the file (0600) or opens it (0600 from now on), alone: another process is Busy until
  // this one closes. WAL and synchronous=FULL: what a transaction wrote is durable when it ended.
  // A file whose structure is damaged is Corruption.
  static Result<std::unique_ptr<Database>> Open(const std::string& path);
  ~Database();

  // Runs the migrations that this file has not seen, each in a transaction with its number.
  // Unsupported if the file has seen more.
  Status Migrate(std::span<const std::string_view> migrations);

  Result<Statement> Prepare(const std::string& sql);
  // Rows that the last statement changed.
  int64_t changes() const;
  // Runs `body` in a transaction; within one, in a savepoint of it. A failure undoes it and is
  // returned.
  Status Atomically(const std::function<Status()>& body);

 private:
  friend class Statement;
  explicit Database(std::string path) : path_(std::move(path)) {}
  Status OpenFile();
  Status Configure();
  Status CheckStructure();
  Status Execute(const std::string& sql);
  Status Undo(const Status& cause, const std::string& sql);
  Status Failure(int code, const std::string& doing) const;

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::unordered_map<std::string, sqlite3_stmt*> prepared_;
  int depth_ = 0;  // of open transactions and savepoints
};

}  // namespace varve::agent
