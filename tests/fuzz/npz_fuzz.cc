// Fuzzes the reader of .npz. The first byte says what the rest is: 0: a file; 1 and 2: one .npy
// member, stored or deflated, whose checksum is right; else: the text of a header alone.
#include <zip.h>

#include <cstdint>
#include <string>

#include "client/checkpoint/npy_header.h"
#include "tests/fuzz/checkpoint_reading.h"

namespace varscope::checkpoint {
namespace {

// False: libzip refuses.
bool Zip(const std::filesystem::path& path, std::span<const uint8_t> member, bool deflate) {
  int error = 0;
  zip_t* const archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
  if (archive == nullptr) return false;
  zip_source_t* const source = zip_source_buffer(archive, member.data(), member.size(), 0);
  const zip_int64_t index = zip_file_add(archive, "a.npy", source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    zip_discard(archive);
    return false;
  }
  zip_set_file_compression(archive, index, deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  if (zip_close(archive) == 0) return true;
  zip_discard(archive);
  return false;
}

}  // namespace
}  // namespace varscope::checkpoint

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varscope::checkpoint;
  if (size == 0) return 0;
  const std::span<const uint8_t> rest(data + 1, size - 1);
  const std::filesystem::path path = FuzzFolder() / "given.npz";
  switch (data[0]) {
    case 0:
      WriteBytes(path, rest);
      break;
    case 1:
    case 2:
      if (!Zip(path, rest, data[0] == 2)) return 0;
      break;
    default:
      ParseNpyHeader({reinterpret_cast<const char*>(rest.data()), rest.size()});
      return 0;
  }
  const Tensors tensors = ReadWhatCanBeRead(path);
  ExpectTheSameAgain(tensors, FuzzFolder() / "again.npz");
  return 0;
}
