// A worker that looks up, and trains, rows of an embedding table.
#ifndef VARSCOPE_TESTS_SUPPORT_TABLE_WORKER_H_
#define VARSCOPE_TESTS_SUPPORT_TABLE_WORKER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "varscope/varscope.h"

namespace varscope::testing {

class TableWorker {
 public:
  // `args` are those of get_variable("table"); `ids` is the shape of the placeholder for the ids.
  TableWorker(const std::string& target, GetVariableArgs args, const Shape& ids,
              ConnectOptions options = {})
      : graph_(target, Replicated(std::move(options))) {
    const auto use = graph_.as_default();
    table_ = get_variable("table", std::move(args));
    ids_ = placeholder(int64, ids, "ids");
    rows_ = nn::embedding_lookup(table_, ids_);
    train_ = train::GradientDescentOptimizer(1.0).minimize(reduce_sum(rows_));
    session_ = std::make_unique<Session>();
  }

  Tensor LookUp(const std::vector<int64_t>& ids) {
    return session_->run(rows_, {{ids_, Ids(ids)}});
  }
  // Takes 1 from each element of the rows, once for each id.
  void Train(const std::vector<int64_t>& ids) { session_->run(train_, {{ids_, Ids(ids)}}); }
  Tensor Whole() { return session_->read("table"); }

 private:
  static ConnectOptions Replicated(ConnectOptions options) {
    options.sharing = SharingMode::kReplicated;
    return options;
  }
  static Tensor Ids(const std::vector<int64_t>& ids) {
    return Tensor::Of<int64_t>({static_cast<int64_t>(ids.size())}, ids);
  }

  Graph graph_;
  Variable table_;
  Output ids_;
  Output rows_;
  Operation train_;
  std::unique_ptr<Session> session_;
};

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_TABLE_WORKER_H_
