#include "simgpu/claim/store.h"

#include <algorithm>
#include <utility>

#include "claim/store_access.h"

namespace simgpu::claim {
namespace {

/// A Prepare is over after 45 s at the latest, so an older temporary file belongs to nobody.
constexpr std::chrono::minutes kTemporaryLife{2};

}  // namespace

Store::Store(Options options, cdi::SpecDirectory directory, base::Files& files, base::Clock& clock,
             Instruments& instruments, base::Logger log)
    : options_(std::move(options)),
      directory_(std::move(directory)),
      metadata_(files, options_.metadataDirectory),
      files_(files),
      clock_(clock),
      instruments_(instruments),
      log_(log),
      index_({.naming = options_.naming, .bootId = options_.bootId, .inventory = options_.inventory}, directory_,
             instruments, std::move(log)) {}

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
  auto found = current(uid);
  if (!found) {
    return unexpected(found.error());
  }
  if (*found == nullptr) {
    return std::nullopt;
  }
  Record record = (*found)->record;
  if ((*found)->durable) {
    return record;
  }
  // Its commit is not answered yet, or could not be made durable.
  std::uint64_t inode = (*found)->info.inode;
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
  all.reserve(index_.entries().size());
  for (const auto& [uid, entry] : index_.entries()) {
    all.push_back(entry.record);
  }
  return all;
}

Result<std::optional<Store::Holder>> Store::findHolder(const Record& record) {
  Access access(*this);
  if (!access.status()) {
    return unexpected(access.status());
  }
  auto conflict = index_.conflictOf(record);
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
  bool there = index_.contains(uid) || (info && info->kind != base::FileInfo::Kind::directory);
  // Another process may be about to restore a lost one, so giving it up counts as a change, too.
  bool changed = index_.losses().giveUp(uid) || there;
  // Before the spec goes: if we die in between, the next process must not miss a spec that nobody else deleted.
  Status counted = changed ? index_.countChange(access.lock(), uid) : Status();
  if (there) {
    if (Status removed = directory_.remove(fileName); !removed) {
      return unexpected(removed);
    }
    index_.noteModified();
    instruments_.specRemovals.add();
    index_.drop(uid);
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
      index_.entries(), [](const auto& entry) { return entry.second.record.origin == Record::Origin::foreign; });
  if (removed && !foreign) {
    removed = directory_.remove(options_.naming.fileName(Index::kSharedByReference));
  }
  return removed ? Result<bool>(!foreign) : unexpected(removed);
}

Status Store::removeTemporaries() const {
  auto before = clock_.wallTime() - kTemporaryLife;
  Status specs = directory_.removeTemporaries(options_.naming.filePrefix(), before);
  Status metadata = metadata_.removeTemporaries(before);
  return specs ? metadata : specs;
}

Result<const Index::Entry*> Store::current(std::string_view uid) {
  const Index::Entry* found = index_.find(uid);
  if (found == nullptr) {
    return nullptr;
  }
  // Somebody may have changed the file itself, or so soon after a change of ours that the directory does not show it.
  auto info = directory_.info(options_.naming.fileName(uid));
  if (info && *info == found->info) {
    return found;
  }
  if (Status reread = noteWhatWent(index_.reread()); !reread) {
    return unexpected(reread);
  }
  return index_.find(uid);
}

/// Whoever waits for a device looks again.
Status Store::noteWhatWent(const Result<bool>& refreshed) {
  if (!refreshed) {
    return refreshed.error();
  }
  if (*refreshed) {
    ++removals_;
    removed_.notify_all();
  }
  return {};
}

Status Store::look() {
  Access access(*this);
  return access.status();
}

std::vector<ClaimRef> Store::lost() const {
  std::lock_guard guard(mutex_);
  return index_.losses().claims();
}

bool Store::hasLostEarlier() const {
  std::lock_guard guard(mutex_);
  return index_.losses().anyEarlier();
}

std::optional<Store::Ticket> Store::beginRestore(std::string_view uid) {
  std::lock_guard guard(mutex_);
  bool wanted = !index_.contains(uid) && index_.losses().mayInclude(uid);
  return wanted ? std::optional(beginLocked(uid)) : std::nullopt;
}

void Store::settle(std::string_view uid) {
  Access access(*this);
  index_.losses().settle(uid);
  countSettled(access);
}

void Store::settleEarlier(const std::vector<ClaimRef>& claims) {
  Access access(*this);
  for (const ClaimRef& claim : claims) {
    if (!index_.contains(claim.uid) && index_.losses().mayInclude(claim.uid)) {
      index_.losses().note(claim);
    }
  }
  index_.losses().settleEarlier();
  countSettled(access);
}

/// So that the next process does not miss what nobody needs. If it cannot be counted, that one looks for it in vain.
void Store::countSettled(Access& access) {
  Status counted = access.status() ? index_.countChange(access.lock()) : access.status();
  if (!counted) {
    log_.v(2).info("Cannot count what was lost", {{"reason", counted.message()}});
  }
}

Status Store::makeDurable(const std::string& uid, std::uint64_t inode) {
  if (Status synced = directory_.sync(); !synced) {
    return synced;
  }
  std::lock_guard guard(mutex_);
  index_.noteDurable(uid, inode);
  return {};
}

/// Called with the lock, so nobody is between the metadata and the spec of a claim.
Status Store::removeStrayMetadata() const {
  return metadata_.removeUnless([this](const std::string& uid) { return index_.contains(uid); });
}

}  // namespace simgpu::claim
