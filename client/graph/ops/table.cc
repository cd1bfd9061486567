#include "client/graph/ops/table.h"

#include <map>
#include <memory>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "client/graph/handles.h"
#include "client/graph/node.h"
#include "client/graph/ops/value_families.h"
#include "client/kernels/variants.h"

namespace varscope::internal {
namespace {

using Table = std::map<absl::string_view, OpDef>;

const Table& Ops() {
  static const Table* const table = [] {
    const KernelVariant variant = ChosenVariant();
    auto all = std::make_unique<Table>();
    for (const auto& family :
         {SourceOps(),     ArithmeticOps(), UnaryOps(),         CompareOps(), ReductionOps(),
          ArrayOps(),      JoinOps(),       GatherOps(),        MatMulOps(),  LinearAlgebraOps(),
          ActivationOps(), LossOps(),       ImageOps(),         StateOps(),   ControlOps(),
          ListOps(),       FunctionOps(),   IndexingOps(),      LargestOps(), RandomOps(),
          ShapingOps(),    ShardOps(),      DecompositionOps(), BitwiseOps(), SearchingOps()}) {
      for (OpDef def : family) {
        def.kernel = KernelOf(variant, def.kernel.fn());
        all->emplace(def.name, def);
      }
    }
    return all.release();
  }();
  return *table;
}

}  // namespace

const OpDef& FindOp(absl::string_view name) {
  const auto it = Ops().find(name);
  if (it == Ops().end()) throw std::out_of_range(absl::StrCat("no op is called ", name));
  return it->second;
}

std::vector<absl::string_view> OpNames() {
  std::vector<absl::string_view> names;
  for (const auto& [name, def] : Ops()) names.push_back(name);
  return names;
}

const Attrs& GradContext::attrs() const { return node.attrs; }
Output GradContext::x(int i) const { return ValueOf(Wrap(node.inputs[i])); }
Output GradContext::y(int i) const {
  return ValueOf(Wrap(NodeOutput{const_cast<Node*>(&node), i}));
}

}  // namespace varscope::internal
