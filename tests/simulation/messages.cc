#include "tests/simulation/messages.h"

#include <google/protobuf/descriptor.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>

#include "tests/simulation/values.h"

namespace varscope::simulation {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kDeepest = 4;

uint64_t DrawInteger(Draws& draws) {
  const uint64_t drawn = draws.Draw("integer", 32);
  if (drawn < 12) return drawn;
  static const std::vector<uint64_t> kEnds = {uint64_t{1} << 20,
                                              uint64_t{1} << 31,
                                              (uint64_t{1} << 31) - 1,
                                              uint64_t{1} << 32,
                                              uint64_t{1} << 40,
                                              uint64_t{1} << 62,
                                              uint64_t{1} << 63,
                                              UINT64_MAX,
                                              UINT64_MAX - 1,
                                              UINT64_MAX - 16,
                                              255,
                                              65536};
  return draws.OneOf("end", kEnds);
}

double DrawAnyDouble(Draws& draws) {
  switch (draws.Draw("double", 6)) {
    case 0:
      return std::numeric_limits<double>::quiet_NaN();
    case 1:
      return std::numeric_limits<double>::infinity();
    case 2:
      return -std::numeric_limits<double>::infinity();
    default:
      return DrawNumber(draws);
  }
}

std::string DrawText(Draws& draws, const std::vector<std::string>& names) {
  static const std::vector<std::string> kTexts = {"",
                                                  "a",
                                                  "/",
                                                  "a//b",
                                                  "..",
                                                  "w0",
                                                  "ones",
                                                  "orthogonal",
                                                  "value",
                                                  "variance_scaling",
                                                  "uniform",
                                                  "fan_in",
                                                  "learning_rate",
                                                  "momentum",
                                                  "Adam",
                                                  "Momentum",
                                                  "Ftrl",
                                                  "LAMB",
                                                  "beta1",
                                                  "lr_power",
                                                  "\x1b]0;x",
                                                  "\xc3\xbc",
                                                  "a b",
                                                  "constant",
                                                  "minval",
                                                  "identity",
                                                  "random_uniform",
                                                  "truncated_normal",
                                                  "x.tmp"};
  const uint64_t kind = draws.Draw("text", 8);
  if (kind == 0) return std::string(draws.OneIn("longer", 8) ? 70'000 : 600, 'x');
  if (kind < 5 && !names.empty()) return draws.OneOf("name", names);
  return draws.OneOf("known text", kTexts);
}

// Of one that is not repeated, or the last entry of one that is.
class Setter {
 public:
  Setter(Draws& draws, const std::vector<std::string>& names, Message* message,
         const FieldDescriptor* field, int depth)
      : draws_(draws), names_(names), message_(message), field_(field), depth_(depth) {}

  void Set() {
    const Reflection& r = *message_->GetReflection();
    const bool many = field_->is_repeated();
    const auto set = [&](auto single, auto add, auto value) {
      many ? (r.*add)(message_, field_, value) : (r.*single)(message_, field_, value);
    };
    switch (field_->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return set(&Reflection::SetInt32, &Reflection::AddInt32, static_cast<int32_t>(Integer()));
      case FieldDescriptor::CPPTYPE_UINT32:
        return set(&Reflection::SetUInt32, &Reflection::AddUInt32,
                   static_cast<uint32_t>(Integer()));
      case FieldDescriptor::CPPTYPE_INT64:
        return set(&Reflection::SetInt64, &Reflection::AddInt64, static_cast<int64_t>(Integer()));
      case FieldDescriptor::CPPTYPE_UINT64:
        return set(&Reflection::SetUInt64, &Reflection::AddUInt64, Integer());
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return set(&Reflection::SetDouble, &Reflection::AddDouble, DrawAnyDouble(draws_));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return set(&Reflection::SetFloat, &Reflection::AddFloat,
                   static_cast<float>(DrawAnyDouble(draws_)));
      case FieldDescriptor::CPPTYPE_BOOL:
        return set(&Reflection::SetBool, &Reflection::AddBool, draws_.OneIn("false", 2));
      case FieldDescriptor::CPPTYPE_ENUM:
        return set(&Reflection::SetEnumValue, &Reflection::AddEnumValue,
                   static_cast<int>(draws_.Draw("enumerator", 16)) - 1);
      case FieldDescriptor::CPPTYPE_STRING:
        return set(&Reflection::SetString, &Reflection::AddString, DrawText(draws_, names_));
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        Message* const inner =
            many ? r.AddMessage(message_, field_) : r.MutableMessage(message_, field_);
        return DrawMessage(draws_, names_, inner, depth_ + 1);
      }
    }
  }

 private:
  uint64_t Integer() { return DrawInteger(draws_); }

  Draws& draws_;
  const std::vector<std::string>& names_;
  Message* const message_;
  const FieldDescriptor* const field_;
  const int depth_;
};

// Fields of one oneof do not disturb each other: there is none in these messages.
void SetField(Draws& draws, const std::vector<std::string>& names, Message* message,
              const FieldDescriptor* field, int depth) {
  uint64_t times = 1;
  if (field->is_repeated()) {
    times = draws.Draw("entries", 4);
    if (draws.OneIn("many entries", 40)) times = 3000;
  }
  const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (is_message && depth >= kDeepest) return;
  if (times <= 4) {
    for (; times > 0; --times) Setter(draws, names, message, field, depth).Set();
    return;
  }
  // All the same, so that it takes no more choices.
  Setter(draws, names, message, field, depth).Set();
  std::string bytes;
  const std::unique_ptr<Message> one(message->New());
  one->GetReflection()->SwapFields(one.get(), message, {field});
  one->SerializePartialToString(&bytes);
  std::string all;
  for (; times > 0 && all.size() < 200'000; --times) all += bytes;
  one->ParsePartialFromString(all);
  one->GetReflection()->SwapFields(one.get(), message, {field});
}

}  // namespace

void DrawMessage(Draws& draws, const std::vector<std::string>& names, Message* message, int depth) {
  const auto* const descriptor = message->GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    if (!draws.OneIn("without it", 2)) continue;
    SetField(draws, names, message, descriptor->field(i), depth);
  }
}

void Disturb(Draws& draws, const std::vector<std::string>& names, Message* message) {
  const auto* const descriptor = message->GetDescriptor();
  if (descriptor->field_count() == 0) return;
  const FieldDescriptor* const field =
      descriptor->field(static_cast<int>(draws.Draw("field", descriptor->field_count())));
  const Reflection& r = *message->GetReflection();
  const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (is_message && !field->is_repeated() && r.HasField(*message, field) &&
      !draws.OneIn("the whole", 4)) {
    return Disturb(draws, names, r.MutableMessage(message, field));
  }
  if (is_message && field->is_repeated() && r.FieldSize(*message, field) > 0 &&
      !draws.OneIn("the whole", 4)) {
    const auto entry = static_cast<int>(draws.Draw("entry", r.FieldSize(*message, field)));
    return Disturb(draws, names, r.MutableRepeatedMessage(message, field, entry));
  }
  if (draws.OneIn("remove it", 4)) return r.ClearField(message, field);
  SetField(draws, names, message, field, 2);
}

}  // namespace varscope::simulation
