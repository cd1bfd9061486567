// tf.train.Saver: checkpoints that TensorFlow reads, and reads TensorFlow's.
#ifndef VARSCOPE_SAVER_H_
#define VARSCOPE_SAVER_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "varscope/session.h"
#include "varscope/variables.h"

namespace varscope::train {

struct SaverOptions {
  // Older checkpoints of this Saver are removed; 0: none is.
  size_t max_to_keep = 5;
};

// Not thread-safe; several Savers may be used at the same time. ValueError when there is nothing to
// save.
//
// The end of a path is the format: ".safetensors", ".npz" (numpy.load), else a TensorFlow V2
// checkpoint, of which the path is the prefix. Names are the variables'; a partitioned variable is
// one tensor under its own name.
class Saver {
 public:
  // All variables of the current graph, with the slots of their optimizers; as TensorFlow's
  // Saver().
  explicit Saver(SaverOptions options = {});
  // These, without slots. (A template, because GCC 12 takes the braces of SaverOptions for a
  // vector's.)
  template <std::same_as<std::vector<Variable>> T>
  explicit Saver(const T& var_list, SaverOptions options = {})
      : Saver(std::span<const Variable>(var_list), options) {}
  Saver(std::initializer_list<Variable> var_list, SaverOptions options = {})
      : Saver(std::span<const Variable>(var_list), options) {}
  // These, under other names in the checkpoint.
  explicit Saver(const std::map<std::string, Variable>& var_list, SaverOptions options = {});

  // One consistent set of values, however many workers push meanwhile. With `global_step` the path
  // gets "-<step>" (before its ".safetensors" or ".npz"). Writes the file "checkpoint" beside it,
  // which latest_checkpoint reads. Returns the path. Throws OpError when the file cannot be
  // written, FailedPreconditionError when a variable has no value yet.
  std::string save(Session& session, const std::string& save_path,
                   std::optional<int64_t> global_step = {});

  // Assigns all in one push: all of it or nothing. Creates slots that do not exist yet. Throws
  // NotFoundError when there is no such checkpoint, or "Key ... not found in checkpoint" for a
  // variable (or a slot, when this graph has its optimizer) that it does not have;
  // InvalidArgumentError for another shape or dtype; DataLossError when it is damaged. Whoever
  // wants part of a checkpoint names it: Saver(var_list).
  void restore(Session& session, const std::string& save_path) const;

  // Oldest first.
  std::vector<std::string> last_checkpoints() const { return {last_.begin(), last_.end()}; }

 private:
  Saver(std::span<const Variable> var_list, SaverOptions options);

  Graph graph_;
  std::map<std::string, Variable> variables_;  // by name in the checkpoint
  bool with_slots_;
  SaverOptions options_;
  std::deque<std::string> last_;
};

// The newest that a Saver (or TensorFlow's) has noted in `checkpoint_dir`; empty: none.
std::string latest_checkpoint(const std::string& checkpoint_dir);

}  // namespace varscope::train

#endif  // VARSCOPE_SAVER_H_
