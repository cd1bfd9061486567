#include <algorithm>
#include <bit>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/checkpoint/files.h"
#include "client/checkpoint/formats.h"
#include "client/checkpoint/stored.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little);

using Json = nlohmann::json;

// The reference implementation's limit.
constexpr uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;

// What the format has beside varscope's dtypes.
struct OtherType {
  const char* name;
  uint64_t bits;  // of an element
};
constexpr OtherType kOtherTypes[] = {{"C64", 64},    {"F8_E5M2", 8},     {"F8_E4M3", 8},
                                     {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
                                     {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"F4", 4}};

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
  DType dtype = DType::kInvalid;  // also of those that varscope has not
  std::string type;
  uint64_t bits = 0;  // of an element
  std::vector<uint64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};
using Entries = std::map<std::string, Entry>;

[[noreturn]] void ThrowWrong(const std::filesystem::path& path, const std::string& name,
                             const char* what) {
  ThrowDamaged(path, absl::StrCat("tensor '", name, "' ", what));
}

// Refuses what the reference implementation's parser does: more than JSON does, names that are
// there twice, and a byte order mark.
Json ParseHeader(const std::filesystem::path& path, const std::string& text) {
  constexpr int kMaxDepth = 127;
  // The parser below would skip the one and end at the other.
  if (text.rfind("\xef\xbb\xbf", 0) == 0 || text.find('\0') != std::string::npos) {
    ThrowDamaged(path, "its header has a byte order mark or a zero byte");
  }
  std::map<int, std::set<std::string>> keys;  // of the object that is open at each depth
  const auto check = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth > kMaxDepth) ThrowDamaged(path, "its header is nested too deeply");
    if (event == Json::parse_event_t::object_start) keys[depth + 1].clear();
    if (event == Json::parse_event_t::key && !keys[depth].insert(parsed).second) {
      ThrowDamaged(path, absl::StrCat("its header has ", parsed.dump(), " twice"));
    }
    return true;
  };
  Json header = Json::parse(text, check, /*allow_exceptions=*/false);
  if (!header.is_object()) ThrowDamaged(path, "its header is not a JSON object");
  return header;
}

void CheckMetadata(const std::filesystem::path& path, const Json& metadata) {
  const auto is_text = [](const Json& value) { return value.is_string(); };
  if (metadata.is_null()) return;
  if (!metadata.is_object() || !std::all_of(metadata.begin(), metadata.end(), is_text)) {
    ThrowDamaged(path, "its __metadata__ is not an object of strings");
  }
}

Entry EntryOf(const Json& json, const std::string& name, const std::filesystem::path& path) {
  const auto is_list = [](const Json& list) {
    return list.is_array() && std::all_of(list.begin(), list.end(),
                                          [](const Json& n) { return n.is_number_unsigned(); });
  };
  if (!json.is_object() || !json.contains("dtype") || !json["dtype"].is_string() ||
      !json.contains("shape") || !is_list(json["shape"]) || !json.contains("data_offsets") ||
      !is_list(json["data_offsets"]) || json["data_offsets"].size() != 2) {
    ThrowWrong(path, name, "is not described by dtype, shape and data_offsets");
  }
  Entry entry{.type = json["dtype"],
              .shape = json["shape"],
              .begin = json["data_offsets"][0],
              .end = json["data_offsets"][1]};
  for (const DTypeInfo& info : kDTypes) {
    if (entry.type != info.safetensors) continue;
    entry.dtype = info.dtype;
    entry.bits = 8 * info.size;
  }
  for (const OtherType& other : kOtherTypes) {
    if (entry.type == other.name) entry.bits = other.bits;
  }
  if (entry.bits == 0) ThrowWrong(path, name, "has a dtype that the format has not");
  return entry;
}

// Nothing for a number that 64 bits do not hold, or bits that make no whole byte.
std::optional<uint64_t> BytesOf(const Entry& entry) {
  uint64_t bits = 1;
  for (uint64_t dim : entry.shape) {
    if (__builtin_mul_overflow(bits, dim, &bits)) return std::nullopt;
  }
  if (__builtin_mul_overflow(bits, entry.bits, &bits) || bits % 8 != 0) return std::nullopt;
  return bits / 8;
}

// The tensors fill the `bytes` after the header, one after the other.
void CheckPlaces(const std::filesystem::path& path, const Entries& entries, uint64_t bytes) {
  std::vector<Entries::const_iterator> order;
  for (auto it = entries.begin(); it != entries.end(); ++it) order.push_back(it);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  uint64_t at = 0;
  for (const auto& it : order) {
    const Entry& entry = it->second;
    if (entry.begin != at || entry.end < at || BytesOf(entry) != entry.end - entry.begin) {
      ThrowWrong(path, it->first, "does not fit its offsets");
    }
    at = entry.end;
  }
  if (at != bytes)
    ThrowDamaged(path, absl::StrCat("its tensors take ", at, " of ", bytes, " bytes"));
}

class SafetensorsReader final : public Reader {
 public:
  explicit SafetensorsReader(const std::filesystem::path& path) : file_(path) {
    uint64_t length = 0;
    file_.Read(0, std::as_writable_bytes(std::span(&length, 1)));
    if (length > kMaxSafetensorsHeaderBytes)
      ThrowDamaged(path, absl::StrCat("a header of ", length, " bytes"));
    data_ = sizeof(length) + length;
    const Json header = ParseHeader(path, file_.Read(sizeof(length), length));
    for (const auto& [name, json] : header.items()) {
      if (name == "__metadata__") {
        CheckMetadata(path, json);
      } else {
        entries_[name] = EntryOf(json, name, path);
      }
    }
    CheckPlaces(path, entries_, file_.size() - data_);
  }

  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const auto& [name, entry] : entries_) names.push_back(name);
    return names;
  }

  Tensor Read(const std::string& name) override {
    const Entry& entry = entries_.at(name);
    const std::string where = absl::StrCat(file_.path().string(), ": tensor '", name, "'");
    if (entry.dtype == DType::kInvalid) ThrowNotHeld(where, entry.type);
    const Shape shape(std::vector<int64_t>(entry.shape.begin(), entry.shape.end()));
    return ReadStored(entry.dtype, shape, where,
                      [&](std::span<std::byte> into) { file_.Read(data_ + entry.begin, into); });
  }

 private:
  OldFile file_;
  uint64_t data_ = 0;  // where the tensors begin
  Entries entries_;
};

}  // namespace

void WriteSafetensors(const std::filesystem::path& path, const Tensors& tensors) {
  std::vector<std::string> entries;
  uint64_t offset = 0;
  const auto order = InOrder(tensors);
  for (const auto& it : order) {
    const Tensor& tensor = it->second;
    const uint64_t end = offset + tensor.byte_size();
    entries.push_back(absl::StrCat(Json(it->first).dump(), R"(:{"dtype":")",
                                   InfoOf(tensor.dtype()).safetensors, R"(","shape":[)",
                                   absl::StrJoin(tensor.shape().dims(), ","),
                                   R"(],"data_offsets":[)", offset, ",", end, "]}"));
    offset = end;
  }
  std::string text = absl::StrCat("{", absl::StrJoin(entries, ","), "}");
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

std::unique_ptr<Reader> OpenSafetensors(const std::filesystem::path& path) {
  return std::make_unique<SafetensorsReader>(path);
}

}  // namespace varscope::checkpoint
