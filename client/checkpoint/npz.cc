#include <zip.h>

#include <cstring>
#include <map>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/checkpoint/files.h"
#include "client/checkpoint/formats.h"
#include "client/checkpoint/npy_header.h"
#include "client/checkpoint/stored.h"
#include "client/graph/throw.h"
#include "proto/tensor/allocate.h"
#include "varscope/errors.h"

namespace varscope::checkpoint {
namespace {

constexpr absl::string_view kMagic = "\x93NUMPY";
constexpr absl::string_view kSuffix = ".npy";
// NumPy's limit.
constexpr uint64_t kMaxNpyHeaderBytes = 10000;

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
struct CloseFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using ZippedFile = std::unique_ptr<zip_file_t, CloseFile>;

// As NumPy writes it; of bfloat16, as NumPy writes that of ml_dtypes.
std::string DescrOf(DType dtype) {
  return absl::StrCat(SizeOf(dtype) == 1 ? "|" : "<", InfoOf(dtype).npy);
}

std::string HeaderOf(const Tensor& tensor) {
  std::string shape;
  for (int64_t dim : tensor.shape().dims()) absl::StrAppend(&shape, dim, ", ");
  if (tensor.shape().rank() > 1) shape.resize(shape.size() - 2);
  if (tensor.shape().rank() == 1) shape.resize(shape.size() - 1);
  std::string text = absl::StrCat("{'descr': '", DescrOf(tensor.dtype()),
                                  "', 'fortran_order': False, 'shape': (", shape, "), }");
  constexpr size_t kBefore = 10;  // magic, version, length
  text.resize((text.size() + 1 + kBefore + 63) / 64 * 64 - kBefore, ' ');
  text.back() = '\n';
  std::string header(kMagic);
  header +=
      {'\x01', '\x00', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return header + text;
}

// One array of the archive, read from its start.
class Member {
 public:
  Member(const std::filesystem::path& path, zip_t* archive, zip_uint64_t index)
      : path_(path), archive_(archive), index_(index), file_(zip_fopen_index(archive, index, 0)) {
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
  // That what is left is there, before memory is taken for it: how long a member is, is what the
  // archive says, and only the whole of it proves that. What is not longer than the archive costs
  // no more than that did.
  void CheckLength() const {
    std::error_code unknown;
    if (left_ <= std::filesystem::file_size(path_, unknown)) return;
    const ZippedFile again(zip_fopen_index(archive_, index_, 0));
    if (again == nullptr) ThrowDamaged(path_, zip_strerror(archive_));
    std::vector<std::byte> some(size_t{64} << 10);
    uint64_t length = 0;
    zip_int64_t read = 0;
    do {
      read = zip_fread(again.get(), some.data(), some.size());
      if (read < 0) ThrowDamaged(path_, zip_file_strerror(again.get()));
      length += read;
    } while (read > 0);
    if (length < left_) ThrowDamaged(path_, "a member is shorter than the archive says");
  }

 private:
  const std::filesystem::path& path_;
  zip_t* const archive_;
  const zip_uint64_t index_;
  ZippedFile file_;
  uint64_t left_ = 0;
};

NpyHeader ReadHeader(Member& member, const std::string& where) {
  const std::string start = member.ReadText(8);
  const int major = start[6];
  if (absl::string_view(start).substr(0, 6) != kMagic || major < 1 || major > 3 || start[7] != 0) {
    throw DataLossError(absl::StrCat(where, " is no .npy file of version 1 to 3"));
  }
  const std::string length = member.ReadText(major == 1 ? 2 : 4);
  uint64_t bytes = 0;
  for (size_t i = length.size(); i-- > 0;) bytes = bytes << 8 | static_cast<uint8_t>(length[i]);
  if (bytes > kMaxNpyHeaderBytes) throw DataLossError(absl::StrCat(where, " has a huge header"));
  std::optional<NpyHeader> header = ParseNpyHeader(member.ReadText(bytes));
  if (!header) throw DataLossError(absl::StrCat(where, ": its header is wrong"));
  return *std::move(header);
}

struct NpyType {
  DType dtype;
  ByteOrder order;
};

NpyType TypeOf(const std::string& descr, const std::string& where) {
  absl::string_view name = descr;
  const bool has_order = name.find_first_of("<>|=") == 0;
  if (has_order) name.remove_prefix(1);
  for (const DTypeInfo& info : kDTypes) {
    if (name != info.npy) continue;
    return {info.dtype, descr[0] == '>' ? ByteOrder::kBigEndian : ByteOrder::kLittleEndian};
  }
  ThrowNotHeld(where, absl::StrCat("'", descr, "'"));
}

// `columns` has the elements of a tensor of this shape in Fortran's order.
Tensor RowMajor(const Tensor& columns, const Shape& shape) {
  absl::StatusOr<Tensor> rows = TryAllocate(columns.dtype(), shape);
  ThrowIfError(rows.status());
  const size_t element = SizeOf(columns.dtype());
  const int rank = shape.rank();
  std::vector<int64_t> at(rank, 0);
  for (int64_t i = 0; i < columns.num_elements(); ++i) {
    int64_t to = 0;
    for (int d = 0; d < rank; ++d) to = to * shape.dim(d) + at[d];
    std::memcpy(rows->mutable_raw() + to * element, columns.raw() + i * element, element);
    for (int d = 0; d < rank && ++at[d] == shape.dim(d); ++d) at[d] = 0;
  }
  return *std::move(rows);
}

Tensor ReadTensor(Member& member, const std::string& where) {
  const NpyHeader header = ReadHeader(member, where);
  const NpyType type = TypeOf(header.descr, where);
  const Shape shape(header.shape);
  if (StoredBytes(type.dtype, shape, where) != member.left()) {
    throw DataLossError(absl::StrCat(where, ": its shape does not fit its bytes"));
  }
  member.CheckLength();
  Tensor tensor = ReadStored(
      type.dtype, shape, where, [&](std::span<std::byte> into) { member.Read(into); }, type.order);
  member.Finish();
  return header.fortran_order && shape.rank() > 1 ? RowMajor(tensor, shape) : tensor;
}

Archive OpenArchive(const std::filesystem::path& path) {
  const OldFile exists(path);
  int error = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &error));
  if (archive == nullptr) ThrowDamaged(path, "it is no zip file");
  return archive;
}

class NpzReader final : public Reader {
 public:
  explicit NpzReader(const std::filesystem::path& path) : path_(path), archive_(OpenArchive(path)) {
    for (zip_int64_t i = 0; i < zip_get_num_entries(archive_.get(), 0); ++i) {
      const char* const member = zip_get_name(archive_.get(), i, ZIP_FL_ENC_GUESS);
      if (member == nullptr) ThrowDamaged(path, zip_strerror(archive_.get()));
      absl::string_view name = member;
      if (!absl::ConsumeSuffix(&name, kSuffix)) continue;
      if (!members_.emplace(name, i).second) {
        ThrowDamaged(path, absl::StrCat("array '", name, "' is there twice"));
      }
    }
  }

  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const auto& [name, index] : members_) names.push_back(name);
    return names;
  }

  Tensor Read(const std::string& name) override {
    Member member(path_, archive_.get(), members_.at(name));
    return ReadTensor(member, absl::StrCat(path_.string(), ": array '", name, "'"));
  }

 private:
  const std::filesystem::path path_;
  const Archive archive_;
  std::map<std::string, zip_int64_t> members_;
};

}  // namespace

void WriteNpz(const std::filesystem::path& path, const Tensors& tensors) {
  NewFile file(path);
  int error = 0;
  Archive archive(zip_open(file.temporary().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error));
  const auto fail = [&](const std::string& what) {
    throw UnknownError(absl::StrCat(path.string(), ": ", what));
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

std::unique_ptr<Reader> OpenNpz(const std::filesystem::path& path) {
  return std::make_unique<NpzReader>(path);
}

}  // namespace varscope::checkpoint
