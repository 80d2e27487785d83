#include "simgpu/claim/index.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "claim/change_count.h"
#include "claim/overlap.h"

namespace simgpu::claim {

Index::~Index() {
  instruments_.preparedClaims.add(-static_cast<double>(entries_.size()));
}

Result<bool> Index::refresh(base::FileLock& lock) {
  auto counter = lock.content();
  if (!counter) {
    return unexpected(counter.error());
  }
  auto modified = directory_.modified();
  if (!modified && modified.error().code() != Code::notFound) {
    return unexpected(modified.error());
  }
  std::int64_t now = modified.value_or(-1);  // a directory that is gone is empty
  bool counted = !loaded_ || *counter != knownCounter_;
  if (!counted && now == knownModified_) {
    return false;
  }
  // Without a count nobody wrote a spec anew, so only what appeared or went is looked at.
  auto went = read(!counted, !counted);
  if (!went) {
    loaded_ = false;
    return went;
  }
  if (!everLoaded_) {
    noteEarlierLosses(ChangeCount::parse(*counter));
  } else if (counted && loaded_) {
    losses_.clear();
  }
  loaded_ = everLoaded_ = true;
  knownCounter_ = *std::move(counter);
  knownModified_ = now;
  return went;
}

Result<bool> Index::read(bool trustKnown, bool countUnchanged) {
  auto names = directory_.names(scope_.naming.filePrefix());
  if (!names) {
    return unexpected(names.error());
  }
  std::set<std::string, std::less<>> present;
  for (const std::string& name : *names) {
    std::string uid = scope_.naming.claimUidOf(name);
    if (uid.empty() || uid == kSharedByReference) {
      continue;
    }
    auto known = entries_.find(uid);
    if (!trustKnown || known == entries_.end()) {
      auto info = directory_.info(name);
      if (!info && info.error().code() != Code::notFound) {
        return unexpected(info.error().with("read CDI spec {}", name));
      }
      if (!info || info->kind != base::FileInfo::Kind::regular) {
        continue;
      }
      if (known == entries_.end() || known->second.info != *info) {
        if (Status read = readEntry(uid, {.name = name, .info = *info}); !read) {
          return unexpected(read);
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
  return entries_.size() < before;
}

Status Index::readEntry(const std::string& uid, const cdi::SpecEntry& file) {
  auto spec = directory_.read(file.name);
  if (!spec && spec.error().code() == Code::notFound) {
    drop(uid);
    return {};
  }
  if (!spec && spec.error().code() == Code::resourceExhausted) {
    return spec.error();  // not the file's fault, and what it holds must not be forgotten
  }
  Record record = readRecord(scope_.naming, uid, spec);
  if (record.origin == Record::Origin::unreadable) {
    log_.error(spec ? Status::dataLoss("its content is not this driver's") : spec.error(),
               "Cannot understand a CDI spec of this driver; it holds no device", {{"file", file.name}});
  }
  bool formerBoot = !record.bootId.empty() && record.bootId != scope_.bootId;
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

Status Index::countChange(base::FileLock& lock, std::string_view goes) {
  ChangeCount last = ChangeCount::parse(knownCounter_);
  std::size_t claims = entries_.size() - (contains(goes) ? 1 : 0) + losses_.count();
  std::string next = ChangeCount{.changes = last.changes + 1, .claims = claims, .bootId = scope_.bootId}.text();
  if (Status written = lock.replaceContent(next); !written) {
    return written.with("count a change of the prepared claims");
  }
  knownCounter_ = std::move(next);
  return {};
}

void Index::noteModified() {
  if (auto modified = directory_.modified()) {
    knownModified_ = *modified;
  }
}

void Index::noteEarlierLosses(const ChangeCount& last) {
  if (last.bootId == scope_.bootId && last.claims > entries_.size()) {
    losses_.noteEarlier(last.claims - entries_.size());
  }
}

void Index::noteLost(const Record& record) {
  const ClaimRef& claim = record.prepared.claim;
  log_.warning("Somebody deleted the CDI spec of a prepared claim",
               {{"uid", claim.uid}, {"namespace", claim.space}, {"name", claim.name}});
  if (!claim.name.empty() && record.bootId == scope_.bootId) {  // else only the kubelet knows which claim it is
    losses_.note(claim);
  }
}

std::optional<Index::Refusal> Index::conflictOf(const Record& record) const {
  const Overlap overlap(scope_.inventory);
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

const Index::Entry* Index::find(std::string_view uid) const {
  auto found = entries_.find(uid);
  return found == entries_.end() ? nullptr : &found->second;
}

void Index::noteDurable(std::string_view uid, std::uint64_t inode) {
  auto found = entries_.find(uid);
  if (found != entries_.end() && found->second.info.inode == inode) {
    found->second.durable = true;
  }
}

void Index::put(const std::string& uid, Entry entry) {
  drop(uid);
  for (HeldDevice& held : entry.record.held) {
    Overlap(scope_.inventory).complete(held);
    holders_.emplace(held.parent, uid);
  }
  entries_[uid] = std::move(entry);
  instruments_.preparedClaims.add(1);
}

void Index::drop(std::string_view uid) {
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
