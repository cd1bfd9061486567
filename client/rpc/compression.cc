#include "client/rpc/compression.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/concurrency/parallel.h"
#include "proto/naming/names.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

wire::Encoding WireEncoding(Encoding encoding) { return static_cast<wire::Encoding>(encoding); }

// a + sign * b, where that is finite, else 0.
Tensor Sum(const Tensor& a, const Tensor& b, float sign) {
  constexpr size_t kGrain = size_t{1} << 16;
  Tensor sum(DType::kFloat32, a.shape());
  const auto* const left = a.data<float>();
  const auto* const right = b.data<float>();
  auto* const to = sum.mutable_data<float>();
  ParallelFor(a.num_elements(), kGrain, [=](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const float x = left[i] + sign * right[i];
      to[i] = std::fabs(x) <= std::numeric_limits<float>::max() ? x : 0;
    }
  });
  return sum;
}

Tensor OrThrow(absl::StatusOr<Tensor> tensor) {
  if (!tensor.ok()) throw ResourceExhaustedError(std::string(tensor.status().message()));
  return *std::move(tensor);
}

}  // namespace

std::vector<CompressionRule> Accepted(std::vector<CompressionRule> rules,
                                      const google::protobuf::RepeatedField<int>& encodings) {
  const auto known = [&](Encoding encoding) {
    return std::find(encodings.begin(), encodings.end(), static_cast<int>(encoding)) !=
           encodings.end();
  };
  for (CompressionRule& rule : rules) {
    if (!known(rule.push)) rule.push = Encoding::kNone;
    if (!known(rule.pull)) rule.pull = Encoding::kNone;
  }
  return rules;
}

Compression::Compression(std::vector<CompressionRule> rules) : rules_(std::move(rules)) {
  for (const CompressionRule& rule : rules_) {
    if (rule.pull == Encoding::kInt8) {
      throw ValueError(absl::StrCat("compression of '", rule.prefix,
                                    "': values cannot be pulled as int8, gradients can be pushed"));
    }
  }
}

const CompressionRule* Compression::RuleOf(const std::string& variable) const {
  const auto prefix_of = [](const CompressionRule& rule) -> const std::string& {
    return rule.prefix;
  };
  const auto rule = FindLongestPrefix(rules_, prefix_of, variable);
  return rule == rules_.end() ? nullptr : &*rule;
}

bool Compression::ForPulls() const {
  return std::any_of(rules_.begin(), rules_.end(),
                     [](const CompressionRule& rule) { return rule.pull != Encoding::kNone; });
}

wire::Encoding Compression::ForPull(const std::string& variable) const {
  const CompressionRule* const rule = RuleOf(variable);
  return rule == nullptr ? wire::Encoding::kNone : WireEncoding(rule->pull);
}

bool Compression::Concerns(const PushRequest& push) const {
  if (rules_.empty()) return false;
  const auto encodes = [this](const PushRequest::Update& update) {
    const CompressionRule* const rule = RuleOf(update.variable);
    return rule != nullptr && rule->push != Encoding::kNone;
  };
  return std::any_of(push.steps.begin(), push.steps.end(), [&](const PushRequest::Step& step) {
    return std::any_of(step.updates.begin(), step.updates.end(), encodes);
  });
}

Compression::Residuals Compression::Encode(const PushRequest& push, PushTensors& tensors) const {
  Residuals residuals;
  if (rules_.empty()) return residuals;
  Tensor* next = tensors.tensors.data();
  wire::Encoding* next_encoding = tensors.encodings.data();
  for (const PushRequest::Step& step : push.steps) {
    for (const PushRequest::Update& update : step.updates) {
      const bool dense = !update.rows.defined();
      if (!dense) ++next;
      Tensor& gradient = *next++;
      wire::Encoding& encoding = *next_encoding++;
      const CompressionRule* const rule = RuleOf(update.variable);
      if (rule == nullptr || rule->push == Encoding::kNone || gradient.dtype() != DType::kFloat32) {
        continue;
      }
      encoding = WireEncoding(rule->push);
      const auto lost = residuals_.find(update.variable);
      Tensor whole = gradient;
      if (dense && lost != residuals_.end() && lost->second.shape() == gradient.shape()) {
        whole = Sum(gradient, lost->second, 1);
      }
      gradient = OrThrow(wire::Encode(encoding, whole, wire::Rounding::kStochastic));
      if (!dense) continue;
      residuals[update.variable] =
          Sum(whole, OrThrow(wire::Decode(encoding, gradient, whole.shape())), -1);
    }
  }
  return residuals;
}

void Compression::Keep(Residuals residuals) {
  for (auto& [variable, residual] : residuals) residuals_[variable] = std::move(residual);
}

}  // namespace varscope::internal
