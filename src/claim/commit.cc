#include <utility>

#include "claim/store_access.h"
#include "simgpu/base/phase_timer.h"
#include "simgpu/claim/store.h"

namespace simgpu::claim {
namespace {

/// At this verbosity the log says where the time of each commit went.
constexpr int kTimesVerbosity = 7;

std::unexpected<Store::Refusal> refuse(Status status) {
  return std::unexpected(Store::Refusal{std::move(status), std::nullopt});
}

}  // namespace

/// What a commit writes: synced already, but without names.
struct Store::Staged {
  base::StagedFile spec;
  std::vector<base::StagedFile> metadata;
};

std::expected<Store::Outcome, Store::Refusal> Store::commit(const Ticket& ticket, const Record& record,
                                                            const std::function<bool()>& cancelled) {
  const std::string& uid = record.prepared.claim.uid;
  base::PhaseTimer times(clock_, log_.v(kTimesVerbosity));
  // What this process knows to be prepared is looked at before anything is staged. What only others know comes out
  // below, and what was staged in vain is dropped.
  if (isKnown(uid)) {
    bool mountable = metadata_.has(record.metadata);
    Access access(*this);
    if (auto answer = answerPrepared(access, record, mountable)) {
      return *std::move(answer);
    }
  }
  auto staged = stage(record);
  times.ended("stage");

  Access access(*this);
  times.ended("lockAndRefresh");
  if (auto answer = answerPrepared(access, record, record.metadata.empty())) {
    return *std::move(answer);
  }
  if (!staged) {
    return refuse(staged.error());
  }
  if (auto refusal = refusalOf(ticket, record, cancelled)) {
    return std::unexpected(*std::move(refusal));
  }
  const Index::Entry* replaced = index_.find(uid);
  bool damaged = replaced != nullptr && replaced->record.origin == Record::Origin::unreadable;
  auto inode = write(access, *std::move(staged), record);
  access.release();
  if (!inode) {
    return refuse(inode.error());
  }
  times.ended("rename");
  for (const Status& status : {record.metadata.empty() ? Status() : metadata_.sync(), makeDurable(uid, *inode)}) {
    if (!status) {
      return refuse(status);
    }
  }
  times.ended("sync");
  times.write("Committed a claim; times are in milliseconds", uid);
  return damaged ? Outcome::repaired : Outcome::written;
}

bool Store::isKnown(std::string_view uid) const {
  std::lock_guard guard(mutex_);
  return index_.contains(uid);
}

Result<Store::Staged> Store::stage(const Record& record) const {
  auto spec = directory_.stage(options_.naming.fileName(record.prepared.claim.uid), record.spec);
  if (!spec) {
    return unexpected(spec.error());
  }
  auto metadata = metadata_.stage(record.metadata);
  if (!metadata) {
    return unexpected(metadata.error());
  }
  return Staged{.spec = *std::move(spec), .metadata = *std::move(metadata)};
}

std::optional<std::expected<Store::Outcome, Store::Refusal>> Store::answerPrepared(Access& access, const Record& record,
                                                                                   bool mountable) {
  if (!access.status()) {
    return refuse(access.status());
  }
  const std::string& uid = record.prepared.claim.uid;
  auto found = current(uid);
  if (!found) {
    return refuse(found.error());
  }
  if (*found == nullptr || (*found)->record.prepared != record.prepared) {
    return std::nullopt;
  }
  const Record& existing = (*found)->record;
  bool rewritable = existing.origin != Record::Origin::newer || existing.bootId != options_.bootId;
  if (rewritable && !(mountable && existing.spec == record.spec)) {
    return std::nullopt;
  }
  bool durable = (*found)->durable;
  std::uint64_t inode = (*found)->info.inode;
  access.release();
  if (Status synced = durable ? Status() : makeDurable(uid, inode); !synced) {
    return refuse(synced);
  }
  return Outcome::already;
}

std::optional<Store::Refusal> Store::refusalOf(const Ticket& ticket, const Record& record,
                                               const std::function<bool()>& cancelled) const {
  const std::string& uid = record.prepared.claim.uid;
  if (inFlight_.at(uid).lastRemoval > ticket.began_) {
    return Refusal{Status::cancelled("the claim was unprepared meanwhile"), std::nullopt};
  }
  if (cancelled()) {
    return Refusal{Status::cancelled("the caller has given up"), std::nullopt};
  }
  if (const Index::Entry* existing = index_.find(uid); existing != nullptr &&
                                                       existing->record.origin == Record::Origin::newer &&
                                                       existing->record.bootId == options_.bootId) {
    return Refusal{
        Status::failedPrecondition("{} was written by a later release of this driver; go back to it, or delete "
                                   "the pods that use the claim",
                                   (directory_.root() / options_.naming.fileName(uid)).native()),
        std::nullopt};
  }
  return index_.conflictOf(record);
}

Result<std::uint64_t> Store::write(Access& access, Staged staged, const Record& record) {
  const std::string& uid = record.prepared.claim.uid;
  // Other processes notice a spec that is new by its name, but one that is replaced by the count alone: so that comes
  // first, if we die in between. Of a new one it comes last, because it also says how many there are.
  const bool replaces = index_.contains(uid);
  if (Status counted = replaces ? index_.countChange(access.lock()) : Status(); !counted) {
    return unexpected(counted);
  }
  // The metadata first: whoever sees the spec can mount it. Without the spec it is left over, and somebody's to remove.
  for (base::StagedFile& file : staged.metadata) {
    if (Status committed = file.commit(); !committed) {
      return unexpected(committed.with("write device metadata"));
    }
  }
  if (Status committed = directory_.commit(std::move(staged.spec)); !committed) {
    return unexpected(committed);
  }
  instruments_.specWrites.add();
  // Without metadata, a claim that never had a spec has nothing to remove; whatever is left of it after all goes with
  // its Unprepare.
  bool mayHaveLeft = replaces || options_.deviceMetadata || index_.losses().mayInclude(uid);
  if (Status removed = mayHaveLeft ? metadata_.remove(uid, record.metadata) : Status(); !removed) {
    log_.error(removed, "Cannot remove what an earlier Prepare of a claim left", {{"uid", uid}});
  }
  base::FileInfo info = directory_.info(options_.naming.fileName(uid)).value_or(base::FileInfo());
  Index::Entry entry{.info = info, .record = record, .durable = false};
  entry.record.metadata.clear();
  index_.put(uid, std::move(entry));
  index_.losses().found(uid);
  Status counted = replaces ? Status() : index_.countChange(access.lock());
  index_.noteModified();
  return counted ? Result<std::uint64_t>(info.inode) : unexpected(counted);
}

}  // namespace simgpu::claim
