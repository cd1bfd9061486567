// A store that has nothing and takes everything, for tests that only need a connected graph.
#ifndef VARSCOPE_TESTS_SUPPORT_NO_STORE_H_
#define VARSCOPE_TESTS_SUPPORT_NO_STORE_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "client/graph/remote_store.h"

namespace varscope::testing {

class NoStore final : public internal::RemoteStore {
 public:
  const std::string& worker_id() const override { return worker_id_; }
  SharingMode sharing() const override { return SharingMode::kGlobal; }
  std::vector<internal::Resolved> Resolve(
      const std::vector<internal::Definition>& definitions) override {
    std::vector<internal::Resolved> resolved;
    for (const internal::Definition& d : definitions) {
      resolved.push_back({.outcome = internal::Resolved::Outcome::kCreated});
      resolved.back().variables = {
          {d.name, d.dtype, d.shape.value_or(Shape{}), d.trainable.value_or(true), d.creator}};
    }
    return resolved;
  }
  internal::PullResult Pull(const std::vector<std::string>& names) override {
    return std::vector<internal::PulledValue>(names.size(), {Tensor::Scalar(0.0F), 1});
  }
  internal::PullResult PullWhole(const std::vector<std::string>& names) override {
    return Pull(names);
  }
  internal::PullResult PullRows(const std::vector<std::string>& names,
                                const std::vector<Tensor>&) override {
    return Pull(names);
  }
  internal::PushAnswer Push(const internal::PushRequest&) override { return {}; }
  PushedAndPulled PushAndPull(const internal::PushRequest&,
                              const std::vector<std::string>& names) override {
    return {{}, Pull(names)};
  }
  Groups groups() const override {
    return std::make_shared<std::vector<internal::SyncGroup>>(1, internal::SyncGroup{});
  }
  std::vector<internal::ListedVariable> List(const std::string&) override { return {}; }
  void Barrier(const std::string&, uint32_t, std::chrono::milliseconds) override {}

 private:
  const std::string worker_id_ = "nobody";
};

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_NO_STORE_H_
