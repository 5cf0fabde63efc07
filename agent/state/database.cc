#include "agent/state/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>

#include "io/file_descriptor.h"

namespace varve::agent {
namespace {

constexpr mode_t kMode = 0600;

Code CodeOf(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_FULL:
      return Code::kNoSpace;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::kCorruption;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::kBusy;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return Code::kDenied;
    case SQLITE_CONSTRAINT:
      return sqlite_code == SQLITE_CONSTRAINT_UNIQUE || sqlite_code == SQLITE_CONSTRAINT_PRIMARYKEY
                 ? Code::kAlreadyExists
                 : Code::kInvalidArgument;
    default:
      return Code::kIo;
  }
}

// SQLite would make the file for everyone that the umask lets in.
Status MakePrivate(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode));
  if (file.get() < 0) return Status::FromErrno(errno, "state " + path);
  if (fchmod(file.get(), kMode) != 0) return Status::FromErrno(errno, "state " + path);
  return {};
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      bound_(other.bound_),
      bind_status_(other.bind_status_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  // The failure of a reset is that of the step before, which was told.
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::Bind(const SqlValue& value) {
  ++bound_;
  int code = SQLITE_OK;
  if (const auto* integer = std::get_if<int64_t>(&value)) {
    code = sqlite3_bind_int64(statement_, bound_, *integer);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    code = sqlite3_bind_text64(statement_, bound_, text->data(), text->size(), SQLITE_TRANSIENT,
                               SQLITE_UTF8);
  } else {
    code = sqlite3_bind_null(statement_, bound_);
  }
  if (code != SQLITE_OK && bind_status_.ok()) bind_status_ = database_->Failure(code, "bind");
  return *this;
}

Result<bool> Statement::Step() {
  VARVE_RETURN_IF_ERROR(bind_status_);
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->Failure(code, sqlite3_sql(statement_));
}

Status Statement::Run() {
  return Step().status();
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

int64_t Statement::Integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string Statement::Text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<std::unique_ptr<Database>> Database::Open(const std::string& path) {
  VARVE_RETURN_IF_ERROR(MakePrivate(path));
  std::unique_ptr<Database> database(new Database(path));
  VARVE_RETURN_IF_ERROR(database->OpenFile());
  VARVE_RETURN_IF_ERROR(database->Configure());
  VARVE_RETURN_IF_ERROR(database->CheckStructure());
  return database;
}

Database::~Database() {
  for (const auto& [sql, statement] : prepared_)
    sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Status Database::OpenFile() {
  const int code = sqlite3_open_v2(path_.c_str(), &handle_,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) return Failure(code, "open");
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return {};
}

// Exclusive: a second agent on one state would run every slot and job twice.
Status Database::Configure() {
  for (const char* const pragma :
       {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
        "PRAGMA cell_size_check = ON", "PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -16384",
        "PRAGMA journal_size_limit = 67108864"}) {
    VARVE_RETURN_IF_ERROR(Execute(pragma));
  }
  {
    VARVE_ASSIGN_OR_RETURN(Statement mode, Prepare("PRAGMA journal_mode"));
    VARVE_ASSIGN_OR_RETURN(const bool row, mode.Step());
    if (!row || mode.Text(0) != "wal") return Failure(SQLITE_IOERR, "PRAGMA journal_mode = WAL");
  }
  return Execute("BEGIN IMMEDIATE; COMMIT");
}

Status Database::CheckStructure() {
  VARVE_ASSIGN_OR_RETURN(Statement check, Prepare("PRAGMA quick_check(1)"));
  VARVE_ASSIGN_OR_RETURN(const bool row, check.Step());
  if (row && check.Text(0) == "ok") return {};
  return Corruption("state " + path_ + " is damaged: " + (row ? check.Text(0) : "no answer"));
}

Status Database::Migrate(std::span<const std::string_view> migrations) {
  int64_t seen = 0;
  {
    VARVE_ASSIGN_OR_RETURN(Statement version, Prepare("PRAGMA user_version"));
    VARVE_RETURN_IF_ERROR(version.Step().status());
    seen = version.Integer(0);
  }
  if (seen < 0 || static_cast<size_t>(seen) > migrations.size()) {
    return Unsupported("state " + path_ + " has version " + std::to_string(seen) +
                       ", this varve knows versions up to " + std::to_string(migrations.size()));
  }
  for (size_t next = static_cast<size_t>(seen); next < migrations.size(); ++next) {
    VARVE_RETURN_IF_ERROR(Atomically([&]() -> Status {
      VARVE_RETURN_IF_ERROR(Execute(std::string(migrations[next])));
      return Execute("PRAGMA user_version = " + std::to_string(next + 1));
    }));
  }
  return {};
}

Result<Statement> Database::Prepare(const std::string& sql) {
  sqlite3_stmt*& statement = prepared_[sql];
  if (statement == nullptr) {
    const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return Failure(code, sql);
  }
  VARVE_CHECK(!sqlite3_stmt_busy(statement));
  return Statement(this, statement);
}

int64_t Database::changes() const {
  return sqlite3_changes64(handle_);
}

Status Database::Atomically(const std::function<Status()>& body) {
  const bool outermost = depth_ == 0;
  const std::string point = "nested_" + std::to_string(depth_);
  VARVE_RETURN_IF_ERROR(Execute(outermost ? "BEGIN IMMEDIATE" : "SAVEPOINT " + point));
  ++depth_;
  Status done = body();
  --depth_;
  // On a full disk SQLite undoes the whole transaction by itself, also when the body goes on.
  if (done.ok() && sqlite3_get_autocommit(handle_) != 0) {
    done = Status(Code::kIo, "state " + path_ + ": the transaction was undone by a failure in it");
  }
  if (done.ok()) done = Execute(outermost ? "COMMIT" : "RELEASE " + point);
  if (done.ok()) return done;
  return Undo(done, outermost ? "ROLLBACK" : "ROLLBACK TO " + point + "; RELEASE " + point);
}

Status Database::Undo(const Status& cause, const std::string& sql) {
  if (sqlite3_get_autocommit(handle_) != 0) return cause;
  const Status undone = Execute(sql);
  if (undone.ok()) return cause;
  return Status(cause.code(), cause.message() + "; and undoing it: " + undone.message(),
                cause.error_number());
}

Status Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : Failure(code, sql);
}

Status Database::Failure(int code, const std::string& doing) const {
  const std::string what = "state " + path_ + ": ";
  if (CodeOf(code) == Code::kBusy) return Busy(what + "another process has it open");
  const int error_number = sqlite3_system_errno(handle_);
  return Status(CodeOf(code),
                what + sqlite3_errmsg(handle_) + " (" + sqlite3_errstr(code) + ", at " +
                    doing.substr(0, 60) + ")",
                error_number);
}

}  // namespace varve::agent
