#include "tests/simulation/story.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/wire/protocol.h"
#include "tests/simulation/messages.h"
#include "tests/simulation/reached.h"

namespace varscope::simulation {
namespace {

using server::DurabilityLevel;
using std::chrono::milliseconds;

// Some stories have many faults, some get far.
uint64_t DrawCalm(Draws& draws) {
  static const std::vector<uint64_t> kCalm = {8, 16, 40};
  return draws.OneOf("steps between faults", kCalm);
}

// Few in one story, so that it gets somewhere.
std::vector<std::string> DrawModes(Draws& draws) {
  std::vector<std::string> left = Reached::Modes();
  std::vector<std::string> modes;
  for (int i = 0; i < 3; ++i) {
    const auto at = static_cast<std::ptrdiff_t>(draws.Draw("a mode", left.size()));
    modes.push_back(left[at]);
    left.erase(left.begin() + at);
  }
  return modes;
}

}  // namespace

Story::Story(World& world, Draws& draws, StoryOptions options)
    : world_(world),
      draws_(draws),
      options_(options),
      modes_(DrawModes(draws)),
      calm_(DrawCalm(draws)),
      requests_(world, draws, modes_) {}

std::string Story::Run(Totals& totals) {
  DrawSetup();
  world_.Start();
  for (const std::string& worker : world_.workers()) world_.Connect(worker);
  for (size_t step = 0; step < options_.operations && world_.wrong().empty(); ++step) {
    if (options_.until && options_.until()) break;
    Step();
  }
  if (world_.wrong().empty()) {
    if (world_.env().disk().crashed()) Crash();
    world_.Finish();
  }
  if (world_.wrong().empty()) Crash();
  totals.faults += world_.env().disk().faults();
  totals.crashes += totals_.crashes;
  totals.answers += world_.answered();
  totals.acknowledged += world_.acknowledged();
  return world_.wrong();
}

void Story::Step() {
  if (world_.env().disk().crashed() || (options_.faults && draws_.OneIn("crash", 2 * calm_))) {
    Crash();
  } else if (options_.faults && draws_.OneIn("fault", calm_)) {
    DrawFault();
  } else {
    // While it lasts, little is taken.
    if (world_.env().disk().failing() && draws_.OneIn("the disk is mended", 16)) {
      world_.env().disk().Heal();
    }
    Act();
  }
  for (uint64_t events = draws_.Draw("events", 4); events > 0 && world_.RunOne(); --events) {
  }
}

void Story::DrawSetup() {
  static const std::vector<DurabilityLevel> kLevels = {
      DurabilityLevel::kSync, DurabilityLevel::kSync, DurabilityLevel::kAsync,
      DurabilityLevel::kNone};
  Setup& setup = world_.setup();
  setup.level = draws_.OneOf("durability", kLevels);
  setup.groups = DrawGroups(draws_, modes_);
  setup.lease_seconds = draws_.OneIn("leases", 2) ? 3 : 0;
  // Less than the store has by then: what was taken stays, nothing more is.
  setup.max_store_bytes = draws_.OneIn("a small store", 8) ? 4096 : uint64_t{1} << 24;
  setup.max_inflight_bytes = draws_.OneIn("small quota", 8) ? 4096 : uint64_t{1} << 24;
}

// At one of the next calls; at the next of a kind that is rare, such as those that end a snapshot;
// or twice, so that the process dies while it is at work on what failed.
void Story::DrawFault() {
  static const std::vector<std::string> kKinds = {"create", "open", "list",          "rename",
                                                  "remove", "sync", "sync directory"};
  Disk& disk = world_.env().disk();
  const uint64_t at = disk.calls() + 1 + draws_.Draw("calls until the fault", 12);
  if (draws_.OneIn("it is a crash", 4)) return disk.CrashAt(at);
  const auto fault = static_cast<Disk::Fault>(draws_.Draw("fault's kind", 5));
  if (draws_.OneIn("at a kind of call", 2)) {
    disk.FailAtNext(draws_.OneOf("kind of call", kKinds), fault);
  } else {
    disk.FailAt(at, fault);
  }
  if (draws_.OneIn("a crash after it", 4)) disk.CrashAfterFault(draws_.Draw("calls after it", 24));
}

void Story::Restart() {
  world_.env().disk().Restart(static_cast<Disk::Loss>(draws_.Draw("loss", 3)));
}

void Story::Crash() {
  ++totals_.crashes;
  world_.Crash();
  Restart();
  if (draws_.OneIn("other options", 3)) DrawSetup();
  // A start may be cut short as well.
  if (options_.faults && draws_.OneIn("fault of the start", 4)) {
    DrawFault();
    try {
      return world_.Start();
    } catch (const std::runtime_error&) {
      world_.env().disk().Crash();
      Restart();
    }
  }
  world_.Start();
}

void Story::Operate() {
  static const std::vector<std::string> kNames = {"", "", "x", "y", "z"};
  const std::string worker = draws_.OneOf("worker", world_.workers());
  const uint64_t operation = draws_.Draw("operation", 6);
  // Which are rare, and make more calls of the disk than anything else.
  const bool keeps = operation < 3;
  if (keeps && options_.faults && draws_.OneIn("fault of it", 4)) DrawFault();
  switch (operation) {
    case 0:
    case 1: {
      // Pushes go on while it is written.
      const std::function<void()> push = [&] {
        if (world_.connected(worker)) requests_.Assign(worker);
      };
      return world_.TakeSnapshot(draws_.OneOf("snapshot", kNames),
                                 draws_.OneIn("pushes meanwhile", 2) ? push : nullptr);
    }
    case 2: {
      std::vector<std::string> names;
      for (const auto& [name, state] : world_.snapshots()) names.push_back(name);
      if (!names.empty()) world_.RollBack(draws_.OneOf("to", names));
      return;
    }
    case 3:
      return world_.Quarantine(worker, draws_.OneIn("quarantine", 4) ? "why" : "");
    case 4:
      return world_.AskOperatorsQuestions(draws_.OneOf("about", Names()));
    default:
      return world_.env().disk().Heal();
  }
}

void Story::Act() {
  const std::string worker = draws_.OneOf("worker", world_.workers());
  if (!world_.connected(worker)) return world_.Connect(worker);
  switch (draws_.Draw("action", 24)) {
    case 0:
    case 1:
    case 2:
      return requests_.Create(worker);
    case 3:
    case 4:
    case 5:
      return requests_.Assign(worker);
    case 6:
    case 7:
      requests_.Pull(worker);
      if (draws_.OneIn("repeated", 2)) requests_.PullAgain(worker);
      return;
    case 8:
      return requests_.PullAgain(worker);
    case 9:
      if (draws_.OneIn("one alone", 2)) return world_.PushAgain(worker);
      for (const std::string& each : world_.workers()) world_.PushAgain(each);
      return;
    case 10:
      return requests_.Arrive(worker);
    case 11:
      return world_.env().Advance(milliseconds(draws_.Draw("pause", 2000)));
    case 12:
      if (draws_.OneIn("another session", 2)) return world_.Connect(worker);
      return world_.PushAsBefore(worker);
    case 13:
      if (draws_.OneIn("leave", 3)) return world_.Leave(worker);
      return world_.Heartbeat(worker);
    case 14:
    case 15:
      return Operate();
    case 16:
    case 17:
      if (options_.rogues) return ActOddly();
      return world_.Heartbeat(worker);
    default:
      return requests_.PushGradients(worker);
  }
}

std::vector<std::string> Story::Names() const {
  std::vector<std::string> names = world_.variables();
  names.insert(names.end(), world_.workers().begin(), world_.workers().end());
  names.emplace_back("nothing");
  return names;
}

// The rogue's, an old one of his, none, or one that nobody has given.
std::string Story::AnyKey() {
  switch (draws_.Draw("key", 8)) {
    case 0:
      return "";
    case 1:
      return world_.old_key(World::kRogue);
    case 2: {
      std::string key = world_.session_key(World::kRogue);
      if (!key.empty()) key[draws_.Draw("byte", key.size())] ^= 1;
      return key;
    }
    default:
      return world_.session_key(World::kRogue);
  }
}

// A push of ours, but for one or a few things.
void Story::Disturbed() {
  std::optional<server::Push> push = requests_.NewPush();
  if (!push) return;
  server::SentPush sent = Send(*push);
  std::string body;
  for (const Tensor& tensor : sent.tensors) {
    body.append(reinterpret_cast<const char*>(tensor.raw()), tensor.byte_size());
  }
  sent.head.mutable_push()->set_sequence(++rogue_sequence_);
  sent.head.set_body_bytes(body.size());
  for (uint64_t times = draws_.Draw("disturbances", 4); times > 0; --times) {
    Disturb(draws_, Names(), &sent.head);
  }
  world_.SendAnything(AnyKey(), sent.head, body, draws_.OneIn("checksum", 2));
}

void Story::ActOddly() {
  if (!world_.connected(World::kRogue) || draws_.OneIn("another session", 12)) {
    rogue_sequence_ = 0;
    world_.Connect(World::kRogue);
  }
  switch (draws_.Draw("oddity", 6)) {
    case 0: {
      v1::FrameHeader head;
      DrawMessage(draws_, Names(), &head);
      const std::string body(draws_.Draw("bytes of a body", 300), '\x3f');
      if (draws_.OneIn("its true length", 2)) head.set_body_bytes(body.size());
      return world_.SendAnything(AnyKey(), head, body, draws_.OneIn("checksum", 2));
    }
    case 1: {
      std::string bytes;
      for (uint64_t n = draws_.Draw("bytes", 60); n > 0; --n) {
        bytes.push_back(static_cast<char>(draws_.Draw("byte", 256)));
      }
      return world_.SendBytes(AnyKey(), bytes);
    }
    case 2: {
      v1::ResolveRequest request;
      DrawMessage(draws_, Names(), &request);
      return world_.CallAnything(AnyKey(), request);
    }
    case 3: {
      v1::BarrierRequest request;
      DrawMessage(draws_, Names(), &request);
      return world_.CallAnything(AnyKey(), request);
    }
    case 4: {
      // Not in a worker's name: who connects as another one ends his session.
      v1::ConnectRequest request;
      DrawMessage(draws_, {"rogue", "rogue2", "a/b"}, &request);
      if (draws_.OneIn("this protocol", 2)) request.set_protocol(wire::kProtocol);
      if (request.worker_id().starts_with("w")) request.set_worker_id("rogue");
      return world_.CallAnything(AnyKey(), request);
    }
    default:
      return Disturbed();
  }
}

}  // namespace varscope::simulation
