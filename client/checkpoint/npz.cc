#include <zip.h>

#include <array>
#include <charconv>
#include <memory>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/checkpoint/files.h"
#include "client/checkpoint/formats.h"
#include "client/checkpoint/stored.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

struct TypeName {
  const char* name;
  Stored stored;
};
constexpr std::array<TypeName, 7> kTypes = {{{"<f4", {DType::kFloat32}},
                                             {"<f8", {DType::kFloat64}},
                                             {"<i4", {DType::kInt32}},
                                             {"<i8", {DType::kInt64}},
                                             {"|b1", {DType::kBool}},
                                             {"|u1", {DType::kUint8}},
                                             {"<f2", {DType::kFloat32, StoredType::kHalf}}}};

constexpr absl::string_view kMagic = "\x93NUMPY";
constexpr absl::string_view kSuffix = ".npy";
constexpr zip_uint64_t kMaxHeaderBytes = 1 << 20;

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
struct CloseFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using ZippedFile = std::unique_ptr<zip_file_t, CloseFile>;

std::string HeaderOf(const Tensor& tensor) {
  std::string shape;
  for (int64_t dim : tensor.shape().dims()) absl::StrAppend(&shape, dim, ", ");
  if (tensor.shape().rank() > 1) shape.resize(shape.size() - 2);
  if (tensor.shape().rank() == 1) shape.resize(shape.size() - 1);
  const char* name = "";
  for (const TypeName& type : kTypes) {
    if (type.stored.dtype == tensor.dtype() && *name == '\0') name = type.name;
  }
  std::string text =
      absl::StrCat("{'descr': '", name, "', 'fortran_order': False, 'shape': (", shape, "), }");
  constexpr size_t kBefore = 10;  // magic, version, length
  text.resize((text.size() + 1 + kBefore + 63) / 64 * 64 - kBefore, ' ');
  text.back() = '\n';
  std::string header(kMagic);
  header +=
      {'\x01', '\x00', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return header + text;
}

// The text between `key` and the first of `ends` after it, or nothing.
std::optional<absl::string_view> After(absl::string_view text, absl::string_view key,
                                       absl::string_view end) {
  const size_t at = text.find(key);
  if (at == absl::string_view::npos) return std::nullopt;
  const size_t begin = at + key.size();
  const size_t stop = text.find(end, begin);
  if (stop == absl::string_view::npos) return std::nullopt;
  return text.substr(begin, stop - begin);
}

class Reader {
 public:
  Reader(const std::filesystem::path& path, zip_t* archive, zip_uint64_t index)
      : path_(path), file_(zip_fopen_index(archive, index, 0)) {
    zip_stat_t stat;
    if (file_ == nullptr || zip_stat_index(archive, index, 0, &stat) != 0 ||
        (stat.valid & ZIP_STAT_SIZE) == 0) {
      ThrowDamaged(path_, zip_strerror(archive));
    }
    left_ = stat.size;
  }
  void Read(std::span<std::byte> into) {
    if (into.size() > left_) ThrowDamaged(path_, "a member is too short");
    const zip_int64_t read = zip_fread(file_.get(), into.data(), into.size());
    if (read != static_cast<zip_int64_t>(into.size())) {
      ThrowDamaged(path_, zip_file_strerror(file_.get()));
    }
    left_ -= into.size();
  }
  std::string ReadText(size_t length) {
    if (length > left_) ThrowDamaged(path_, "a member is too short");
    std::string text(length, '\0');
    Read(std::as_writable_bytes(std::span(text)));
    return text;
  }
  // All is read and the archive's checksum of it is right.
  void Finish() {
    std::byte more{};
    if (left_ != 0 || zip_fread(file_.get(), &more, 1) != 0) {
      ThrowDamaged(path_, "a member is longer than its shape says, or its checksum is wrong");
    }
  }
  uint64_t left() const { return left_; }

 private:
  const std::filesystem::path& path_;
  ZippedFile file_;
  uint64_t left_ = 0;
};

std::string ReadHeader(Reader& reader, const std::string& where) {
  const std::string start = reader.ReadText(8);
  const int major = start[6];
  if (absl::string_view(start).substr(0, 6) != kMagic || major < 1 || major > 3) {
    throw DataLossError(absl::StrCat(where, " is no .npy file of version 1 to 3"));
  }
  const std::string length = reader.ReadText(major == 1 ? 2 : 4);
  uint64_t bytes = 0;
  for (size_t i = length.size(); i-- > 0;) bytes = bytes << 8 | static_cast<uint8_t>(length[i]);
  if (bytes > kMaxHeaderBytes) throw DataLossError(absl::StrCat(where, " has a huge header"));
  return reader.ReadText(bytes);
}

Stored TypeOf(absl::string_view name, const std::string& where) {
  for (const TypeName& type : kTypes) {
    if (name == type.name) return type.stored;
  }
  throw InvalidArgumentError(
      absl::StrCat(where, " has dtype '", name, "', which varscope has not"));
}

Tensor ReadTensor(Reader& reader, const std::string& where) {
  const std::string header = ReadHeader(reader, where);
  const auto descr = After(header, "'descr': '", "'");
  const auto order = After(header, "'fortran_order': ", ",");
  const auto dims = After(header, "'shape': (", ")");
  if (!descr || !order || !dims) throw DataLossError(absl::StrCat(where, ": its header is wrong"));
  std::vector<int64_t> shape;
  for (absl::string_view dim : absl::StrSplit(*dims, ',', absl::SkipWhitespace())) {
    if (!absl::SimpleAtoi(dim, &shape.emplace_back()) || shape.back() < 0) {
      throw DataLossError(absl::StrCat(where, ": its shape is wrong"));
    }
  }
  if (*order == "True" && shape.size() > 1) {
    throw InvalidArgumentError(
        absl::StrCat(where, " is in Fortran order; save it with numpy.ascontiguousarray"));
  }
  const Stored stored = TypeOf(*descr, where);
  if (StoredBytes(stored, Shape(shape), where) != reader.left()) {
    throw DataLossError(absl::StrCat(where, ": its shape does not fit its bytes"));
  }
  Tensor tensor = ReadStored(stored, Shape(shape), where,
                             [&](std::span<std::byte> into) { reader.Read(into); });
  reader.Finish();
  return tensor;
}

}  // namespace

void WriteNpz(const std::filesystem::path& path, const Tensors& tensors) {
  NewFile file(path);
  int error = 0;
  Archive archive(zip_open(file.temporary().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error));
  const auto fail = [&](const std::string& what) {
    throw OpError(absl::StrCat(path.string(), ": ", what));
  };
  if (archive == nullptr) fail("it cannot be created");
  // Each member's bytes, which libzip reads when it closes.
  std::vector<std::string> members;
  members.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) {
    std::string& bytes = members.emplace_back(HeaderOf(tensor));
    bytes.append(reinterpret_cast<const char*>(tensor.raw()), tensor.byte_size());
    zip_source_t* const source = zip_source_buffer(archive.get(), bytes.data(), bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive.get(), (name + std::string(kSuffix)).c_str(),
                                           source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      fail(zip_strerror(archive.get()));
    }
    zip_set_file_compression(archive.get(), index, ZIP_CM_STORE, 0);
  }
  if (tensors.empty()) {
    // libzip makes no empty archive; the end record alone is one.
    file.Write(std::string("PK\x05\x06", 4) + std::string(18, '\0'));
    return file.Keep();
  }
  if (zip_close(archive.get()) != 0) fail(zip_strerror(archive.get()));
  archive.release();
  file.Keep();
}

Tensors ReadNpz(const std::filesystem::path& path) {
  const OldFile exists(path);
  int error = 0;
  const Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &error));
  if (archive == nullptr) ThrowDamaged(path, "it is no zip file");
  Tensors tensors;
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive.get(), 0); ++i) {
    const char* const member = zip_get_name(archive.get(), i, ZIP_FL_ENC_GUESS);
    if (member == nullptr) ThrowDamaged(path, zip_strerror(archive.get()));
    absl::string_view name = member;
    if (!absl::ConsumeSuffix(&name, kSuffix)) continue;
    Reader reader(path, archive.get(), i);
    tensors[std::string(name)] =
        ReadTensor(reader, absl::StrCat(path.string(), ": array '", name, "'"));
  }
  return tensors;
}

}  // namespace varscope::checkpoint
