#include "tests/simulation/disk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace varscope::simulation {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSector = 512;

}  // namespace

class Disk::File final : public server::WritableFile {
 public:
  File(Disk& disk, const fs::path& path, NodePtr node)
      : WritableFile(path), disk_(disk), node_(std::move(node)), life_(disk.life_) {}

  absl::Status Sync() override {
    absl::Status status = Begin("sync", Kind::kChanges);
    if (disk_.crashed_ || life_ != disk_.life_) return status;
    if (!status.ok()) {
      // They count as clean from now on: no later sync writes them.
      for (Change& change : node_->pending) change.lost = true;
      return status;
    }
    for (const Change& change : std::exchange(node_->pending, {})) {
      const bool kept = !change.lost || disk_.trace_.OneIn("it had arrived all the same", 2);
      if (kept) Apply(change, node_->durable);
    }
    return status;
  }

 protected:
  absl::StatusOr<size_t> WriteSome(std::span<const std::byte> bytes) override {
    if (const auto meanwhile = std::exchange(disk_.meanwhile_, nullptr)) {
      meanwhile();
      disk_.meanwhile_ = meanwhile;
    }
    absl::Status status = Begin(absl::StrCat("write ", bytes.size()), Kind::kWrites);
    if (disk_.crashed_ || life_ != disk_.life_) return status;
    // One that fails may have written some of it, one that does not may have written less.
    size_t count = std::min<uint64_t>(bytes.size(), disk_.Room());
    if (status.ok() && count == 0 && !bytes.empty()) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path().string(), ": write: No space left on device"));
    }
    if (!status.ok()) {
      count = disk_.trace_.Draw("bytes of a failed write", count + 1);
    } else if (count > 1 && disk_.trace_.OneIn("short write", 4)) {
      count = 1 + disk_.trace_.Draw("bytes of a short write", count - 1);
    }
    Change change{.number = ++disk_.changes_,
                  .offset = node_->seen.size(),
                  .bytes = std::string(reinterpret_cast<const char*>(bytes.data()), count)};
    Apply(change, node_->seen);
    node_->pending.push_back(std::move(change));
    if (!status.ok()) return status;
    return count;
  }

 private:
  absl::Status Begin(const std::string& call, Kind kind) {
    if (life_ != disk_.life_) return absl::InternalError("a file of before the crash");
    return disk_.Begin(call, path().filename().string(), kind);
  }

  Disk& disk_;
  const NodePtr node_;
  const uint64_t life_;
};

class Disk::Contents final : public server::ReadableFile {
 public:
  Contents(const fs::path& path, std::string bytes)
      : ReadableFile(path, bytes.size()), bytes_(std::move(bytes)) {}

  absl::Status ReadAt(uint64_t offset, std::span<std::byte> into) override {
    if (offset > bytes_.size() || into.size() > bytes_.size() - offset) {
      return absl::OutOfRangeError(absl::StrCat(path().string(), ": ends too early"));
    }
    std::copy_n(reinterpret_cast<const std::byte*>(bytes_.data()) + offset, into.size(),
                into.data());
    return absl::OkStatus();
  }

 private:
  const std::string bytes_;
};

class Disk::Opened final : public server::Directory {
 public:
  Opened(Disk& disk, const fs::path& path) : Directory(path), disk_(disk), life_(disk.life_) {}
  ~Opened() override {
    if (life_ == disk_.life_ && !lock_.empty()) disk_.locked_.erase(lock_);
  }

  absl::StatusOr<std::unique_ptr<server::WritableFile>> Create(absl::string_view file,
                                                               Access access) override;
  absl::StatusOr<std::unique_ptr<server::ReadableFile>> Open(absl::string_view file) override;
  absl::StatusOr<std::vector<std::string>> List() override;
  absl::Status Rename(absl::string_view from, absl::string_view to) override;
  absl::Status Remove(absl::string_view file) override;
  absl::Status Sync() override;
  absl::Status Lock(absl::string_view file, LockFile how) override;
  // Without a limit: more than anybody needs, unless it is full by a fault.
  absl::StatusOr<uint64_t> FreeBytes() override;
  absl::Status CheckPath() const override;

 private:
  absl::Status BeginWhole(const std::string& call, Kind kind) {
    return disk_.Begin(call, path().filename().string(), kind);
  }

  Disk& disk_;
  std::string lock_;  // the file's name
  const uint64_t life_;
};

bool Disk::Fails(const std::string& name, Kind kind) const {
  if (!fault_ || calls_ < fault_->from) return false;
  if (kind == Kind::kWrites && name == fault_->except) return false;
  const uint64_t failed = calls_ - fault_->from;
  switch (fault_->fault) {
    case Fault::kOnce:
      return failed == 0;
    case Fault::kTwice:
      return failed < 2;
    case Fault::kStays:
      return failed == 0 || kind != Kind::kReads;
    case Fault::kAllButRemovals:
      return kind != Kind::kReads && kind != Kind::kRemoves;
    case Fault::kFull:
      break;
  }
  return kind == Kind::kWrites;
}

absl::Status Disk::Begin(const std::string& call, const std::string& name, Kind kind) {
  ++calls_;
  const std::string text = absl::StrCat(call, " ", name);
  trace_.Note(absl::StrCat("disk ", calls_, ": ", text));
  if (fails_at_next_ && absl::StartsWith(text, fails_at_next_->first + " ")) {
    FailAt(calls_, fails_at_next_->second);
    fails_at_next_.reset();
  }
  if (crash_at_ && calls_ >= *crash_at_ && !crashed_) {
    trace_.Note("the disk stops here");
    crashed_ = true;
  }
  if (crashed_) return absl::InternalError(absl::StrCat(text, ": the disk is gone"));
  if (!Fails(name, kind)) return absl::OkStatus();
  CountFault();
  trace_.Note("fails");
  return absl::ResourceExhaustedError(absl::StrCat(text, ": No space left on device"));
}

void Disk::CountFault() {
  if (std::exchange(fault_->has_begun, true)) return;
  ++faults_;
  if (crash_after_fault_) crash_at_ = calls_ + 1 + *crash_after_fault_;
  crash_after_fault_.reset();
}

void Disk::Apply(const Change& change, std::string& bytes) {
  if (change.truncates) return bytes.clear();
  if (bytes.size() < change.offset + change.bytes.size()) {
    bytes.resize(change.offset + change.bytes.size());
  }
  bytes.replace(change.offset, change.bytes.size(), change.bytes);
}

void Disk::Apply(const NameChange& change, Names& names) {
  if (!change.from.empty()) names.erase(change.from);
  if (change.to.empty()) return;
  if (change.node != nullptr) {
    names[change.to] = change.node;
  } else {
    names.erase(change.to);
  }
}

void Disk::ChangeName(const std::string& from, const std::string& to, const NodePtr& node) {
  NameChange change{.number = ++changes_, .from = from, .to = to, .node = node};
  Apply(change, seen_);
  pending_names_.push_back(std::move(change));
}

absl::StatusOr<std::unique_ptr<server::Directory>> Disk::OpenDirectory(const fs::path& path,
                                                                       server::IfMissing missing) {
  if (missing == server::IfMissing::kMake) {
    absl::Status status = Begin("create directory", path.filename().string(), Kind::kChanges);
    if (!status.ok()) return status;
  }
  return std::make_unique<Opened>(*this, path);
}

absl::StatusOr<std::unique_ptr<server::WritableFile>> Disk::Opened::Create(absl::string_view file,
                                                                           Access /*access*/) {
  const std::string name(file);
  absl::Status status = disk_.Begin("create", name, Kind::kChanges);
  if (!status.ok()) return status;
  NodePtr& node = disk_.seen_[name];
  if (node == nullptr) {
    disk_.ChangeName("", name, std::make_shared<Node>());
  } else {
    node->pending.push_back({.number = ++disk_.changes_, .truncates = true, .bytes = {}});
    node->seen.clear();
  }
  return std::make_unique<File>(disk_, PathOf(name), disk_.seen_[name]);
}

absl::StatusOr<std::unique_ptr<server::ReadableFile>> Disk::Opened::Open(absl::string_view file) {
  const std::string name(file);
  if (absl::Status status = disk_.Begin("open", name, Kind::kReads); !status.ok()) return status;
  const auto it = disk_.seen_.find(name);
  if (it == disk_.seen_.end()) {
    return absl::NotFoundError(absl::StrCat(PathOf(name).string(), ": open"));
  }
  return std::make_unique<Contents>(PathOf(name), it->second->seen);
}

absl::StatusOr<std::vector<std::string>> Disk::Opened::List() {
  if (absl::Status status = BeginWhole("list", Kind::kReads); !status.ok()) return status;
  std::vector<std::string> names;
  for (const auto& [name, node] : disk_.seen_) names.push_back(name);
  for (size_t i = names.size(); i > 1; --i) {
    std::swap(names[i - 1], names[disk_.trace_.Draw("order of a list", i)]);
  }
  return names;
}

absl::Status Disk::Opened::Rename(absl::string_view from, absl::string_view to) {
  const std::string old_name(from);
  const std::string name(to);
  absl::Status status = disk_.Begin(absl::StrCat("rename ", old_name), name, Kind::kChanges);
  if (!status.ok()) return status;
  const auto it = disk_.seen_.find(old_name);
  if (it == disk_.seen_.end()) {
    return absl::NotFoundError(absl::StrCat(PathOf(old_name).string(), ": rename"));
  }
  const NodePtr node = it->second;
  disk_.ChangeName(old_name, name, node);
  return absl::OkStatus();
}

absl::Status Disk::Opened::Remove(absl::string_view file) {
  const std::string name(file);
  absl::Status status = disk_.Begin("remove", name, Kind::kRemoves);
  if (!status.ok()) return status;
  if (disk_.seen_.contains(name)) disk_.ChangeName("", name, nullptr);
  return absl::OkStatus();
}

absl::Status Disk::Opened::Sync() {
  absl::Status status = BeginWhole("sync directory", Kind::kChanges);
  if (!status.ok()) return status;
  for (const NameChange& change : std::exchange(disk_.pending_names_, {})) {
    Disk::Apply(change, disk_.durable_);
  }
  return absl::OkStatus();
}

absl::Status Disk::Opened::Lock(absl::string_view file, LockFile /*how*/) {
  const std::string name(file);
  absl::Status status = disk_.Begin("lock", name, Kind::kChanges);
  if (!status.ok()) return status;
  if (!disk_.locked_.insert(name).second) {
    return absl::FailedPreconditionError(absl::StrCat(path().string(), " is in use"));
  }
  lock_ = name;
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Disk::Opened::FreeBytes() {
  absl::Status status = BeginWhole("ask for free space", Kind::kReads);
  if (!status.ok()) return status;
  const auto& fault = disk_.fault_;
  const bool full = fault && fault->fault == Fault::kFull && disk_.calls_ >= fault->from;
  return full ? 0 : disk_.Room();
}

absl::Status Disk::Opened::CheckPath() const {
  if (disk_.leads_there_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the data directory ", path().string(), " was removed or replaced"));
}

uint64_t Disk::Room() const {
  constexpr uint64_t kPlenty = uint64_t{1} << 40;
  if (!limit_) return kPlenty;
  uint64_t used = 0;
  for (const auto& [name, node] : seen_) used += node->seen.size();
  return *limit_ - std::min(*limit_, used);
}

// `first_lost`: the changes from this number on are lost; without: some are.
void Disk::KeepSome(Node& node, std::optional<uint64_t> first_lost) {
  size_t kept = node.pending.size();
  if (!first_lost && kept > 0) kept = trace_.Draw("changes of a file kept", kept + 1);
  for (size_t i = 0; i < kept; ++i) {
    Change& change = node.pending[i];
    if (first_lost && change.number >= *first_lost) break;
    if (!first_lost && !change.truncates) {
      // The size comes before the data: a sector that never arrived is zeros.
      for (size_t at = 0; at < change.bytes.size(); at += kSector) {
        if (!trace_.OneIn("a sector is lost", 8)) continue;
        const size_t length = std::min(kSector, change.bytes.size() - at);
        change.bytes.replace(at, length, length, '\0');
      }
      if (i + 1 == kept && !change.bytes.empty() && trace_.OneIn("the last change is torn", 2)) {
        change.bytes.resize(trace_.Draw("bytes of it", change.bytes.size()));
      }
    }
    Apply(change, node.durable);
  }
}

void Disk::Restart(Loss loss) {
  trace_.Note(absl::StrCat("restart, loss ", static_cast<int>(loss)));
  std::optional<uint64_t> first_lost;
  if (loss == Loss::kNothing) first_lost = changes_ + 1;
  if (loss == Loss::kOrdered) {
    // Counted back from the last: whatever is durable was before it.
    first_lost = changes_ + 1 - trace_.Draw("changes lost", std::min<uint64_t>(changes_, 30) + 1);
  }
  std::set<Node*> nodes;
  for (const Names* names : {&seen_, &durable_}) {
    for (const auto& [name, node] : *names) nodes.insert(node.get());
  }
  // By name, not by address: the draws are the same in each run.
  std::set<Node*> done;
  const auto keep = [&](const NodePtr& node) {
    if (node != nullptr && done.insert(node.get()).second) KeepSome(*node, first_lost);
  };
  for (const auto& [name, node] : durable_) keep(node);
  for (const NameChange& change : pending_names_) keep(change.node);
  for (const auto& [name, node] : seen_) keep(node);
  std::set<std::string> undone;  // names with a change that was lost: later ones are, too
  for (const NameChange& change : pending_names_) {
    bool lost =
        first_lost ? change.number >= *first_lost : trace_.OneIn("a change of a name is lost", 2);
    lost = lost || undone.contains(change.to) || undone.contains(change.from);
    if (lost) {
      undone.insert(change.to);
      if (!change.from.empty()) undone.insert(change.from);
    } else {
      Apply(change, durable_);
    }
  }
  pending_names_.clear();
  seen_ = durable_;
  for (const auto& [name, node] : seen_) {
    node->pending.clear();
    node->seen = node->durable;
  }
  locked_.clear();
  Heal();
  crash_at_.reset();
  crash_after_fault_.reset();
  crashed_ = false;
  ++life_;
}

void Disk::Damage(const std::string& name) {
  trace_.Note("damage of " + name);
  Node& node = *seen_.at(name);
  node.durable.back() = static_cast<char>(~node.durable.back());
  node.seen = node.durable;
}

std::map<std::string, std::string> Disk::contents() const {
  std::map<std::string, std::string> all;
  for (const auto& [name, node] : seen_) all[name] = node->seen;
  return all;
}

}  // namespace varscope::simulation
