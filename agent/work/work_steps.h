// What the bodies of jobs do all alike: look records up, change them, open repositories, run hooks.
// Thread-safe: functions over thread-safe things.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/capture/addon_hooks.h"
#include "agent/work/work_plant.h"
#include "api/engine.h"

namespace varve::agent {

// NotFound names the record.
Result<Addon> GetAddon(StateStore& state, const std::string& id);
Result<Backup> GetBackup(StateStore& state, const std::string& id);
Result<RestoreRecord> GetRestore(StateStore& state, const std::string& id);
Result<const RepositorySettings*> GetRepository(const AgentConfig& config, const std::string& id);

// Reads the record, lets `change` change it and writes it, in one transaction.
Status ChangeBackup(StateStore& state, const std::string& id,
                    const std::function<void(Backup&)>& change);
Status ChangeRestore(StateStore& state, const std::string& id,
                     const std::function<void(RestoreRecord&)>& change);

// The addon with the absolute path of its volume: below volumesDirectory if it is relative, and
// then reached without links and "..". InvalidArgument, Denied name the path. The file need not be.
Result<Addon> WithVolumePath(const AgentConfig& config, Addon addon);

// Waits while somebody else writes, until the job is aborted. Notices go to the job's log.
Result<std::unique_ptr<Engine>> OpenRepository(const WorkPlant& plant, const std::string& id,
                                               OpenMode mode, const std::string& purpose,
                                               JobContext& context);
// The same outside of a job: Busy is an answer, notices are dropped.
Result<std::unique_ptr<Engine>> OpenRepositoryNow(const AgentConfig& config, const std::string& id,
                                                  OpenMode mode, const std::string& purpose);
KeyOptions KeyOptionsOf(const RepositorySettings& repository);

// Of the addon with its volume's absolute path, saying what they do in the job's log.
AddonHooks HooksIn(const WorkPlant& plant, const Addon& addon, JobContext& context);

// Cancelled if an abort was asked for.
Status CheckNotAborted(JobContext& context);

}  // namespace varve::agent
