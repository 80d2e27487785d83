#include "simgpu/claim/store.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "claim/change_count.h"
#include "claim/overlap.h"
#include "simgpu/base/phase_timer.h"
#include "simgpu/base/wait.h"

namespace simgpu::claim {
namespace {

/// A Prepare is over after 45 s at the latest, so an older temporary file belongs to nobody.
constexpr std::chrono::minutes kTemporaryLife{2};
/// In the place of a UID: the reference driver's file for what all its claims share.
constexpr std::string_view kSharedByReference = "common";
constexpr mode_t kLockMode = 0644;
constexpr std::chrono::seconds kLockPatience{10};
constexpr std::chrono::milliseconds kLockPoll{1};
/// At this verbosity the log says where the time of each commit went.
constexpr int kTimesVerbosity = 7;

}  // namespace

/// Holds both locks; `status` tells whether the index is up to date.
class Store::Access {
 public:
  explicit Access(Store& store) : guard_(store.mutex_) {
    if (status_ = lockFile(store); status_) {
      status_ = store.refresh(*lock_);
    }
  }

  const Status& status() const { return status_; }
  base::FileLock& lock() { return *lock_; }

  /// Lets go of both, before something slow.
  void release() {
    lock_.reset();
    guard_.unlock();
  }

 private:
  Status lockFile(Store& store) {
    auto lock =
        base::lockWithin(store.files_, store.clock_, store.options_.lockFile, kLockMode, kLockPatience, kLockPoll);
    if (lock) {
      lock_ = *std::move(lock);
      return {};
    }
    bool held = lock.error().code() == Code::failedPrecondition;
    return held ? Status::unavailable("lock the prepared claims: {}", lock.error().message())
                : lock.error().with("lock the prepared claims");
  }

  std::unique_lock<std::mutex> guard_;
  std::unique_ptr<base::FileLock> lock_;
  Status status_;
};

Store::Store(Options options, cdi::SpecDirectory directory, base::Files& files, base::Clock& clock,
             Instruments& instruments, base::Logger log)
    : options_(std::move(options)),
      directory_(std::move(directory)),
      metadata_(files, options_.metadataDirectory),
      files_(files),
      clock_(clock),
      instruments_(instruments),
      log_(std::move(log)) {}

Store::~Store() {
  instruments_.preparedClaims.add(-static_cast<double>(entries_.size()));
}

Result<std::unique_ptr<Store>> Store::open(Options options, base::Files& files, base::Clock& clock,
                                           Instruments& instruments, base::Logger log) {
  auto directory = cdi::SpecDirectory::open(files, options.cdiRoot);
  if (!directory) {
    return unexpected(directory.error());
  }
  std::unique_ptr<Store> store(
      new Store(std::move(options), *std::move(directory), files, clock, instruments, std::move(log)));
  {
    Access access(*store);
    if (!access.status()) {
      return unexpected(access.status());
    }
    ChangeCount last = ChangeCount::parse(store->knownCounter_);
    if (last.bootId == store->options_.bootId && last.claims > store->entries_.size()) {
      store->losses_.noteEarlier(last.claims - store->entries_.size());
    }
    // Not left to `cleanUp` alone, to which a process that dies again and again never comes.
    if (Status removed = store->removeTemporaries(); !removed) {
      store->log_.error(removed, "Cannot remove what killed processes were writing");
    }
    if (Status removed = store->removeStrayMetadata(); !removed) {
      store->log_.error(removed, "Cannot remove device metadata of claims that are not prepared");
    }
  }
  return store;
}

Store::Ticket::~Ticket() {
  if (store_ == nullptr) {
    return;
  }
  std::lock_guard guard(store_->mutex_);
  auto found = store_->inFlight_.find(uid_);
  if (--found->second.tickets == 0) {
    store_->inFlight_.erase(found);
  }
}

Store::Ticket Store::begin(std::string_view uid) {
  std::lock_guard guard(mutex_);
  return beginLocked(uid);
}

Store::Ticket Store::beginLocked(std::string_view uid) {
  ++inFlight_[std::string(uid)].tickets;
  return {*this, std::string(uid), ++epoch_};
}

Result<std::optional<Record>> Store::find(std::string_view uid) {
  Access access(*this);
  if (!access.status()) {
    return unexpected(access.status());
  }
  auto found = entries_.find(uid);
  if (found == entries_.end()) {
    return std::nullopt;
  }
  // Somebody may have changed the file itself, or so soon after a change of ours that the directory does not show it.
  auto info = directory_.info(options_.naming.fileName(uid));
  if (!info || *info != found->second.info) {
    if (Status reloaded = reload(false, true); !reloaded) {
      return unexpected(reloaded);
    }
    if (found = entries_.find(uid); found == entries_.end()) {
      return std::nullopt;
    }
  }
  Record record = found->second.record;
  if (found->second.durable) {
    return record;
  }
  // Its commit is not answered yet, or could not be made durable.
  std::uint64_t inode = found->second.info.inode;
  access.release();
  if (Status synced = makeDurable(record.prepared.claim.uid, inode); !synced) {
    return unexpected(synced);
  }
  return record;
}

Result<std::vector<Record>> Store::records() {
  Access access(*this);
  if (!access.status()) {
    return unexpected(access.status());
  }
  std::vector<Record> all;
  all.reserve(entries_.size());
  for (const auto& [uid, entry] : entries_) {
    all.push_back(entry.record);
  }
  return all;
}

std::expected<void, Store::Refusal> Store::commit(const Ticket& ticket, const Record& record,
                                                  const std::function<bool()>& cancelled) {
  auto refuse = [](Status status) { return std::unexpected(Refusal{std::move(status), std::nullopt}); };
  const std::string& uid = record.prepared.claim.uid;
  std::string fileName = options_.naming.fileName(uid);
  base::PhaseTimer times(clock_, log_.v(kTimesVerbosity));
  auto staged = directory_.stage(fileName, record.spec);
  if (!staged) {
    return refuse(staged.error());
  }
  auto stagedMetadata = metadata_.stage(record.metadata);
  if (!stagedMetadata) {
    return refuse(stagedMetadata.error());
  }
  times.ended("stage");

  Access access(*this);
  if (!access.status()) {
    return refuse(access.status());
  }
  times.ended("lockAndRefresh");
  if (inFlight_.at(uid).lastRemoval > ticket.began_) {
    return refuse(Status::cancelled("the claim was unprepared meanwhile"));
  }
  if (cancelled()) {
    return refuse(Status::cancelled("the caller has given up"));
  }
  if (auto existing = entries_.find(uid); existing != entries_.end() &&
                                          existing->second.record.origin == Record::Origin::newer &&
                                          existing->second.record.bootId == options_.bootId) {
    return refuse(
        Status::failedPrecondition("{} was written by a later release of this driver; go back to it, or delete "
                                   "the pods that use the claim",
                                   (directory_.root() / fileName).native()));
  }
  if (auto conflict = conflictOf(record)) {
    return std::unexpected(*std::move(conflict));
  }
  // Other processes notice a spec that is new by its name, but one that is replaced by the count alone: so that comes
  // first, if we die in between. Of a new one it comes last, because it also says how many there are.
  const bool replaces = entries_.contains(uid);
  if (Status counted = replaces ? countChange(access.lock()) : Status(); !counted) {
    return refuse(counted);
  }
  // The metadata first: whoever sees the spec can mount it. Without the spec it is left over, and somebody's to remove.
  for (base::StagedFile& file : *stagedMetadata) {
    if (Status committed = file.commit(); !committed) {
      return refuse(committed.with("write device metadata"));
    }
  }
  if (Status committed = directory_.commit(*std::move(staged)); !committed) {
    return refuse(committed);
  }
  instruments_.specWrites.add();
  if (Status removed = metadata_.remove(uid, record.metadata); !removed) {
    log_.error(removed, "Cannot remove what an earlier Prepare of a claim left", {{"uid", uid}});
  }
  base::FileInfo info = directory_.info(fileName).value_or(base::FileInfo());
  put(uid, {.info = info, .record = record, .durable = false});
  entries_[uid].record.metadata.clear();
  losses_.found(uid);
  Status counted = replaces ? Status() : countChange(access.lock());
  noteModified();
  access.release();
  times.ended("rename");
  for (const Status& status :
       {counted, record.metadata.empty() ? Status() : metadata_.sync(), makeDurable(uid, info.inode)}) {
    if (!status) {
      return refuse(status);
    }
  }
  times.ended("sync");
  times.write("Committed a claim; times are in milliseconds", uid);
  return {};
}

Result<std::optional<Store::Holder>> Store::findHolder(const Record& record) {
  Access access(*this);
  if (!access.status()) {
    return unexpected(access.status());
  }
  auto conflict = conflictOf(record);
  return conflict ? std::move(conflict->holder) : std::nullopt;
}

Result<bool> Store::remove(std::string_view uid) {
  Access access(*this);
  if (auto flying = inFlight_.find(uid); flying != inFlight_.end()) {
    flying->second.lastRemoval = ++epoch_;
  }
  if (!access.status()) {
    return unexpected(access.status());
  }
  std::string fileName = options_.naming.fileName(uid);
  auto info = directory_.info(fileName);
  // A directory of that name is no spec, and somebody else's.
  bool there = entries_.contains(uid) || (info && info->kind != base::FileInfo::Kind::directory);
  // Another process may be about to restore a lost one, so giving it up counts as a change, too.
  bool changed = losses_.giveUp(uid) || there;
  // Before the spec goes: if we die in between, the next process must not miss a spec that nobody else deleted.
  Status counted = changed ? countChange(access.lock(), uid) : Status();
  if (there) {
    if (Status removed = directory_.remove(fileName); !removed) {
      return unexpected(removed);
    }
    noteModified();
    instruments_.specRemovals.add();
    drop(std::string(uid));
    ++removals_;
    removed_.notify_all();
  }
  // Also without a spec: whoever removed that may have been killed before it came to this.
  Status cleared = metadata_.remove(uid);
  access.release();
  for (const Status& status : {cleared, counted, there ? directory_.sync() : Status()}) {
    if (!status) {
      return unexpected(status);
    }
  }
  return there;
}

std::uint64_t Store::removals() const {
  std::lock_guard guard(mutex_);
  return removals_;
}

void Store::awaitRemoval(std::uint64_t seen, base::Clock::TimePoint until) {
  std::unique_lock lock(mutex_);
  clock_.waitUntil(lock, removed_, until, {}, [&] { return removals_ != seen; });
}

Result<bool> Store::cleanUp() {
  if (Status removed = removeTemporaries(); !removed) {
    return unexpected(removed);
  }
  Access access(*this);
  if (!access.status()) {
    return unexpected(access.status());
  }
  Status removed = removeStrayMetadata();
  bool foreign = std::ranges::any_of(
      entries_, [](const auto& entry) { return entry.second.record.origin == Record::Origin::foreign; });
  if (removed && !foreign) {
    removed = directory_.remove(options_.naming.fileName(kSharedByReference));
  }
  return removed ? Result<bool>(!foreign) : unexpected(removed);
}

Status Store::removeTemporaries() const {
  auto before = clock_.wallTime() - kTemporaryLife;
  Status specs = directory_.removeTemporaries(options_.naming.filePrefix(), before);
  Status metadata = metadata_.removeTemporaries(before);
  return specs ? metadata : specs;
}

Status Store::refresh(base::FileLock& lock) {
  auto counter = lock.content();
  if (!counter) {
    return counter.error();
  }
  auto modified = directory_.modified();
  if (!modified && modified.error().code() != Code::notFound) {
    return modified.error();
  }
  std::int64_t now = modified.value_or(-1);  // a directory that is gone is empty
  bool counted = !loaded_ || *counter != knownCounter_;
  if (!counted && now == knownModified_) {
    return {};
  }
  // Staging a spec changes the directory, too: without a count, only what appeared or went is looked at.
  if (Status reloaded = reload(!counted, !counted); !reloaded) {
    loaded_ = false;
    return reloaded;
  }
  if (counted && loaded_) {
    losses_.clear();
  }
  loaded_ = true;
  knownCounter_ = *std::move(counter);
  knownModified_ = now;
  return {};
}

Status Store::reload(bool trustKnown, bool countUnchanged) {
  auto names = directory_.names(options_.naming.filePrefix());
  if (!names) {
    return names.error();
  }
  std::set<std::string, std::less<>> present;
  for (const std::string& name : *names) {
    std::string uid = options_.naming.claimUidOf(name);
    if (uid.empty() || uid == kSharedByReference) {
      continue;
    }
    auto known = entries_.find(uid);
    if (!trustKnown || known == entries_.end()) {
      auto info = directory_.info(name);
      if (!info && info.error().code() != Code::notFound) {
        return info.error().with("read CDI spec {}", name);
      }
      if (!info || info->kind != base::FileInfo::Kind::regular) {
        continue;
      }
      if (known == entries_.end() || known->second.info != *info) {
        if (Status read = readEntry(uid, {.name = name, .info = *info}); !read) {
          return read;
        }
      }
    }
    present.insert(uid);
  }
  std::size_t before = entries_.size();
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto& [uid, known] = *entry++;
    if (!present.contains(uid)) {
      if (countUnchanged) {
        noteLost(known.record);
      }
      drop(uid);
    }
  }
  if (entries_.size() < before) {  // a Prepare may be waiting for that
    ++removals_;
    removed_.notify_all();
  }
  return {};
}

Status Store::readEntry(const std::string& uid, const cdi::SpecEntry& file) {
  auto spec = directory_.read(file.name);
  if (!spec && spec.error().code() == Code::notFound) {
    drop(uid);
    return {};
  }
  if (!spec && spec.error().code() == Code::resourceExhausted) {
    return spec.error();  // not the file's fault, and what it holds must not be forgotten
  }
  Record record = readRecord(options_.naming, uid, spec);
  if (record.origin == Record::Origin::unreadable) {
    log_.error(spec ? Status::dataLoss("its content is not this driver's") : spec.error(),
               "Cannot understand a CDI spec of this driver; it holds no device", {{"file", file.name}});
  }
  bool formerBoot = !record.bootId.empty() && record.bootId != options_.bootId;
  if (formerBoot && record.origin == Record::Origin::ours) {
    log_.info("Removing a claim that was prepared before the node was restarted", {{"uid", uid}});
    Status removed = directory_.remove(file.name);
    if (removed) {
      instruments_.specRemovals.add();
      drop(uid);
      return {};
    }
    log_.error(removed, "Cannot remove it; it holds no device", {{"uid", uid}});
  }
  if (formerBoot) {
    record.held.clear();
  }
  // What could not be read for another reason than its content is tried again next time.
  bool readable = spec || spec.error().code() == Code::dataLoss;
  put(uid, {.info = readable ? file.info : base::FileInfo(), .record = std::move(record)});
  return {};
}

Status Store::countChange(base::FileLock& lock, std::string_view goes) {
  ChangeCount last = ChangeCount::parse(knownCounter_);
  std::size_t claims = entries_.size() - (entries_.contains(goes) ? 1 : 0) + losses_.count();
  std::string next = ChangeCount{.changes = last.changes + 1, .claims = claims, .bootId = options_.bootId}.text();
  if (Status written = lock.replaceContent(next); !written) {
    return written.with("count a change of the prepared claims");
  }
  knownCounter_ = std::move(next);
  return {};
}

void Store::noteModified() {
  if (auto modified = directory_.modified()) {
    knownModified_ = *modified;
  }
}

void Store::noteLost(const Record& record) {
  const ClaimRef& claim = record.prepared.claim;
  log_.warning("Somebody deleted the CDI spec of a prepared claim",
               {{"uid", claim.uid}, {"namespace", claim.space}, {"name", claim.name}});
  if (!claim.name.empty() && record.bootId == options_.bootId) {  // else only the kubelet knows which claim it is
    losses_.note(claim);
  }
}

Status Store::look() {
  Access access(*this);
  return access.status();
}

std::vector<ClaimRef> Store::lost() const {
  std::lock_guard guard(mutex_);
  return losses_.claims();
}

bool Store::hasLostEarlier() const {
  std::lock_guard guard(mutex_);
  return losses_.anyEarlier();
}

std::optional<Store::Ticket> Store::beginRestore(std::string_view uid) {
  std::lock_guard guard(mutex_);
  bool wanted = !entries_.contains(uid) && losses_.mayInclude(uid);
  return wanted ? std::optional(beginLocked(uid)) : std::nullopt;
}

void Store::settle(std::string_view uid) {
  Access access(*this);
  losses_.settle(uid);
  countSettled(access);
}

void Store::settleEarlier(const std::vector<ClaimRef>& claims) {
  Access access(*this);
  for (const ClaimRef& claim : claims) {
    if (!entries_.contains(claim.uid) && losses_.mayInclude(claim.uid)) {
      losses_.note(claim);
    }
  }
  losses_.settleEarlier();
  countSettled(access);
}

/// So that the next process does not miss what nobody needs. If it cannot be counted, that one looks for it in vain.
void Store::countSettled(Access& access) {
  Status counted = access.status() ? countChange(access.lock()) : access.status();
  if (!counted) {
    log_.v(2).info("Cannot count what was lost", {{"reason", counted.message()}});
  }
}

Status Store::makeDurable(const std::string& uid, std::uint64_t inode) {
  if (Status synced = directory_.sync(); !synced) {
    return synced;
  }
  std::lock_guard guard(mutex_);
  if (auto found = entries_.find(uid); found != entries_.end() && found->second.info.inode == inode) {
    found->second.durable = true;
  }
  return {};
}

std::optional<Store::Refusal> Store::conflictOf(const Record& record) const {
  const Overlap overlap(options_.inventory);
  Record wanted{.prepared = {.claim = record.prepared.claim}, .held = record.held};
  std::set<std::string_view> uids;
  for (HeldDevice& held : wanted.held) {
    overlap.complete(held);
    auto [first, last] = holders_.equal_range(held.parent);
    std::for_each(first, last, [&](const auto& holder) { uids.insert(holder.second); });
  }
  uids.erase(wanted.prepared.claim.uid);
  std::vector<const Record*> others;
  others.reserve(uids.size());
  for (std::string_view uid : uids) {
    others.push_back(&entries_.find(uid)->second.record);
  }
  auto conflict = overlap.find(wanted, others);
  if (!conflict) {
    return std::nullopt;
  }
  Refusal refusal{conflict->status(), std::nullopt};
  if (conflict->holder != nullptr) {
    refusal.holder = Holder{.claim = conflict->holder->prepared.claim, .device = std::move(conflict->device)};
  }
  return refusal;
}

/// Called with the lock, so nobody is between the metadata and the spec of a claim.
Status Store::removeStrayMetadata() const {
  return metadata_.removeUnless([this](const std::string& uid) { return entries_.contains(uid); });
}

void Store::put(const std::string& uid, Entry entry) {
  drop(uid);
  for (HeldDevice& held : entry.record.held) {
    Overlap(options_.inventory).complete(held);
    holders_.emplace(held.parent, uid);
  }
  entries_[uid] = std::move(entry);
  instruments_.preparedClaims.add(1);
}

void Store::drop(const std::string& uid) {
  auto found = entries_.find(uid);
  if (found == entries_.end()) {
    return;
  }
  for (const HeldDevice& held : found->second.record.held) {
    auto [first, last] = holders_.equal_range(held.parent);
    for (auto holder = first; holder != last;) {
      holder = holder->second == uid ? holders_.erase(holder) : std::next(holder);
    }
  }
  entries_.erase(found);
  instruments_.preparedClaims.add(-1);
}

}  // namespace simgpu::claim
