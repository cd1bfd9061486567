#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/checkpoint/files.h"
#include "client/checkpoint/formats.h"
#include "client/checkpoint/stored.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little);

using Json = nlohmann::ordered_json;

// The reference implementation's limit.
constexpr uint64_t kMaxHeaderBytes = 100'000'000;

struct TypeName {
  const char* name;
  Stored stored;
};
constexpr std::array<TypeName, 8> kTypes = {{{"F32", {DType::kFloat32}},
                                             {"F64", {DType::kFloat64}},
                                             {"I32", {DType::kInt32}},
                                             {"I64", {DType::kInt64}},
                                             {"BOOL", {DType::kBool}},
                                             {"U8", {DType::kUint8}},
                                             {"F16", {DType::kFloat32, StoredType::kHalf}},
                                             {"BF16", {DType::kFloat32, StoredType::kBfloat16}}}};

std::string NameOf(DType dtype) {
  for (const TypeName& type : kTypes) {
    if (type.stored.dtype == dtype) return type.name;
  }
  return "";
}

Stored TypeOf(const std::string& name, const std::string& where) {
  for (const TypeName& type : kTypes) {
    if (name == type.name) return type.stored;
  }
  throw InvalidArgumentError(absl::StrCat(where, " has dtype ", name, ", which varscope has not"));
}

// Wide elements first, so that each tensor is aligned to its elements.
std::vector<Tensors::const_iterator> InOrder(const Tensors& tensors) {
  std::vector<Tensors::const_iterator> order;
  for (auto it = tensors.begin(); it != tensors.end(); ++it) order.push_back(it);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return SizeOf(a->second.dtype()) > SizeOf(b->second.dtype());
  });
  return order;
}

struct Entry {
  Stored stored;
  Shape shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

Entry EntryOf(const Json& json, const std::string& where, const std::filesystem::path& path) {
  const auto is_list = [](const Json& list) {
    return list.is_array() && std::all_of(list.begin(), list.end(), [](const Json& n) {
             return n.is_number_unsigned() && n.get<uint64_t>() <= INT64_MAX;
           });
  };
  if (!json.is_object() || !json.contains("dtype") || !json["dtype"].is_string() ||
      !json.contains("shape") || !is_list(json["shape"]) || !json.contains("data_offsets") ||
      !is_list(json["data_offsets"]) || json["data_offsets"].size() != 2) {
    ThrowDamaged(path, where + " is not described by dtype, shape and data_offsets");
  }
  return {TypeOf(json["dtype"], where), Shape(json["shape"].get<std::vector<int64_t>>()),
          json["data_offsets"][0], json["data_offsets"][1]};
}

}  // namespace

void WriteSafetensors(const std::filesystem::path& path, const Tensors& tensors) {
  Json header = Json::object();
  uint64_t offset = 0;
  const auto order = InOrder(tensors);
  for (const auto& it : order) {
    const Tensor& tensor = it->second;
    header[it->first] = {{"dtype", NameOf(tensor.dtype())},
                         {"shape", tensor.shape().dims()},
                         {"data_offsets", {offset, offset + tensor.byte_size()}}};
    offset += tensor.byte_size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  NewFile file(path);
  file.Write(std::as_bytes(std::span(&length, 1)));
  file.Write(text);
  for (const auto& it : order) {
    if (it->second.byte_size() > 0) file.Write(it->second.bytes());
  }
  file.Keep();
}

Tensors ReadSafetensors(const std::filesystem::path& path) {
  OldFile file(path);
  uint64_t length = 0;
  file.Read(0, std::as_writable_bytes(std::span(&length, 1)));
  if (length > kMaxHeaderBytes) ThrowDamaged(path, absl::StrCat("a header of ", length, " bytes"));
  const Json header = Json::parse(file.Read(sizeof(length), length), nullptr, false);
  if (!header.is_object()) ThrowDamaged(path, "its header is not a JSON object");
  const uint64_t data = sizeof(length) + length;
  Tensors tensors;
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") continue;
    const std::string where = absl::StrCat(path.string(), ": tensor '", name, "'");
    const Entry entry = EntryOf(json, where, path);
    if (entry.end < entry.begin || entry.end > file.size() - data ||
        entry.end - entry.begin != StoredBytes(entry.stored, entry.shape, where)) {
      ThrowDamaged(path, absl::StrCat(where, " does not fit its offsets"));
    }
    tensors[name] = ReadStored(entry.stored, entry.shape, where, [&](std::span<std::byte> into) {
      file.Read(data + entry.begin, into);
    });
  }
  return tensors;
}

}  // namespace varscope::checkpoint
