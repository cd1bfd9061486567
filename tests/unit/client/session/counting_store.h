// A store in memory instead of a server's, for sessions.
#ifndef VARSCOPE_TESTS_UNIT_CLIENT_SESSION_COUNTING_STORE_H_
#define VARSCOPE_TESTS_UNIT_CLIENT_SESSION_COUNTING_STORE_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/graph/handles.h"
#include "client/graph/remote_store.h"
#include "client/graph/state.h"
#include "client/session/access.h"
#include "client/session/plan.h"
#include "proto/tensor/rows.h"
#include "varscope/varscope.h"

namespace varscope {

// A store in memory that counts what it is asked. Its values are ones; in each row of a table but
// the first, the row's number.
class CountingStore final : public internal::RemoteStore {
 public:
  const std::string& worker_id() const override { return worker_id_; }
  SharingMode sharing() const override { return SharingMode::kGlobal; }
  std::vector<internal::Resolved> Resolve(
      const std::vector<internal::Definition>& definitions) override {
    std::vector<internal::Resolved> resolved;
    for (const internal::Definition& d : definitions) {
      internal::Resolved one;
      one.outcome = internal::Resolved::Outcome::kCreated;
      one.variables = {{d.name, d.dtype, *d.shape, d.trainable.value_or(true), d.creator}};
      if (d.partitions) one = Partitioned(d);
      for (const internal::ResolvedVariable& made : one.variables) {
        shapes_[made.name] = made.shape;
      }
      resolved.push_back(one);
    }
    return resolved;
  }
  internal::PullResult Pull(const std::vector<std::string>& names) override {
    pulls.push_back(names);
    std::vector<internal::PulledValue> values;
    for (const std::string& name : names) {
      values.push_back({Tensor(float32, shapes_.at(name)), version});
      Tensor& value = values.back().value;
      for (float& x : value.mutable_values<float>()) x = 1;
      if (value.shape().rank() != 2) continue;
      const int64_t width = RowSize(value.shape());
      for (int64_t i = width; i < value.num_elements(); ++i) {
        value.mutable_data<float>()[i] = static_cast<float>(i / width);
      }
    }
    return values;
  }
  internal::PullResult PullRows(const std::vector<std::string>& names,
                                const std::vector<Tensor>& rows) override {
    const internal::PullResult whole = Pull(names);
    std::vector<internal::PulledValue> values(whole.begin(), whole.end());
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!rows[i].defined()) continue;
      Tensor some(float32, *RowsShape(shapes_.at(names[i]), rows[i].num_elements()));
      CopyRows(values[i].value, *ToIndices(rows[i]), some);
      values[i].value = some;
      pulled_rows.push_back({names[i], Summarize(rows[i])});
    }
    return values;
  }
  internal::PushAnswer Push(const internal::PushRequest& request) override {
    if (pushes.size() == refuse_from) throw InvalidArgumentError("refused");
    pushes.push_back(request);
    return {.global_step = pushes.size(), .group_step = pushes.size()};
  }
  internal::PullResult PullWhole(const std::vector<std::string>& names) override {
    return Pull(names);
  }
  PushedAndPulled PushAndPull(const internal::PushRequest& request,
                              const std::vector<std::string>& names) override {
    const internal::PushAnswer answer = Push(request);
    ++pulled_with_push;
    return {answer, Pull(names)};
  }
  Groups groups() const override {
    return std::make_shared<std::vector<internal::SyncGroup>>(sync_groups);
  }
  std::vector<internal::ListedVariable> List(const std::string&) override { return {}; }
  void Barrier(const std::string&, uint32_t, std::chrono::milliseconds) override {}

  std::vector<internal::SyncGroup> sync_groups = {{}};
  uint64_t version = 7;
  size_t refuse_from = 1000;  // the number of the first push that is refused
  int pulled_with_push = 0;
  std::vector<std::vector<std::string>> pulls;
  std::vector<internal::PushRequest> pushes;
  std::vector<std::pair<std::string, std::string>> pulled_rows;  // variable, numbers

 private:
  // Along the rows; the first parts have one more.
  static internal::Resolved Partitioned(const internal::Definition& d) {
    internal::Resolved parts{.outcome = internal::Resolved::Outcome::kCreated};
    parts.partitioning = KnownPartitioned{d.dtype, *d.shape, *d.partitions};
    const auto count = static_cast<int64_t>(d.part_names.size());
    std::vector<int64_t> dims = d.shape->dims();
    for (int64_t i = 0; i < count; ++i) {
      dims[0] = d.shape->dim(0) / count + (i < d.shape->dim(0) % count ? 1 : 0);
      parts.variables.push_back(
          {d.part_names[i], d.dtype, Shape(dims), d.trainable.value_or(true), d.creator});
    }
    return parts;
  }

  const std::string worker_id_ = "counter";
  std::map<std::string, Shape> shapes_;
};

class PlanTest : public ::testing::Test {
 protected:
  internal::Plan Compile(const std::vector<Fetch>& fetches, const std::vector<Output>& feeds) {
    std::vector<internal::NodeOutput> own;
    for (const Fetch& fetch : fetches) {
      own.push_back(internal::SessionAccess::Get(*internal::Unwrap(graph_), fetch));
    }
    std::vector<internal::NodeOutput> fed;
    for (const Output& feed : feeds) fed.push_back(internal::Unwrap(feed));
    return internal::Compile(own, fed);
  }

  PlanTest() { internal::Unwrap(graph_)->Connect(store_); }

  const std::shared_ptr<CountingStore> store_ = std::make_shared<CountingStore>();
  Graph graph_;
  ScopeGuard use_ = graph_.as_default();
};

}  // namespace varscope

#endif  // VARSCOPE_TESTS_UNIT_CLIENT_SESSION_COUNTING_STORE_H_
