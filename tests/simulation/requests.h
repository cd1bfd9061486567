// What workers that keep to the protocol ask for.
#ifndef VARSCOPE_TESTS_SIMULATION_REQUESTS_H_
#define VARSCOPE_TESTS_SIMULATION_REQUESTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/draws.h"
#include "tests/simulation/world.h"

namespace varscope::simulation {

// Draws a request of a kind and sends it. Few names, so that requests meet. Not thread-safe.
class Requests {
 public:
  // Variables are of these modes (Reached::Modes) only.
  Requests(World& world, Draws& draws, std::vector<std::string> modes)
      : world_(world), draws_(draws), modes_(std::move(modes)) {}

  void Create(const std::string& worker);
  // Gradients, with assignments beside them at times. In a group that waits for all its workers all
  // of them push.
  void PushGradients(const std::string& worker);
  void Assign(const std::string& worker);
  void Pull(const std::string& worker);
  void PullAgain(const std::string& worker) { world_.Pull(worker, {}, /*repeat=*/true); }
  void Arrive(const std::string& worker);

  // A push that may be sent as it is, or be disturbed before; nothing: there is no variable.
  std::optional<server::Push> NewPush();

 private:
  struct Known {
    std::string name;
    std::string mode;  // as its name has it
    DType dtype;
    Shape shape;
  };
  std::vector<Known> KnownOf(const std::string& mode) const;
  server::OptimizerStep NewStep(const std::string& mode);
  server::GradientUpdate NewUpdate(const Known& known, bool finite);
  void AddAssignment(const Known& known, server::Push& push);
  void NameState(server::OptimizerStep& step);
  server::Push Gradients(const std::string& mode, const std::vector<Known>& variables,
                         const server::OptimizerStep& step);
  // Of the table of what was reached.
  std::vector<std::string> RowsOf(const server::Push& push) const;
  std::string DrawMode();

  World& world_;
  Draws& draws_;
  const std::vector<std::string> modes_;
  uint64_t resolved_ = 0;
  std::map<std::string, uint64_t> arrivals_;  // by worker
};

// The groups of the modes, as --sync has them, each as the draws say.
std::vector<std::string> DrawGroups(Draws& draws, const std::vector<std::string>& modes);

}  // namespace varscope::simulation

#endif  // VARSCOPE_TESTS_SIMULATION_REQUESTS_H_
