#include "server/durability/session_secret.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "absl/strings/str_cat.h"
#include "proto/wire/crc32c.h"
#include "server/auth/session_keys.h"
#include "server/durability/file_names.h"

namespace varscope::server {
namespace {

// The file: this byte, the secret, the CRC32C of both (little-endian). The first ones had the
// secret alone.
constexpr char kVersion = 1;
constexpr size_t kSecretBytes = SessionKeys::kSecretBytes;
constexpr size_t kFileBytes = 1 + kSecretBytes + sizeof(uint32_t);

std::string Encode(const std::string& secret) {
  std::string bytes = absl::StrCat(std::string(1, kVersion), secret);
  const uint32_t checksum = Crc32c(std::as_bytes(std::span(bytes)));
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  return bytes;
}

}  // namespace

absl::StatusOr<std::optional<std::string>> ReadSessionSecret(Directory& directory) {
  const absl::StatusOr<std::unique_ptr<ReadableFile>> file = directory.Open(kSecretName);
  if (absl::IsNotFound(file.status())) return std::nullopt;
  if (!file.ok()) return file.status();
  const uint64_t size = (*file)->size();
  std::string bytes(size == kSecretBytes ? kSecretBytes : kFileBytes, '\0');
  if (size == bytes.size()) {
    absl::Status read = (*file)->Read(std::as_writable_bytes(std::span(bytes)));
    if (!read.ok()) return read;
    if (size == kSecretBytes) return bytes;
    std::string secret = bytes.substr(1, kSecretBytes);
    if (bytes == Encode(secret)) return secret;
  }
  return absl::DataLossError(absl::StrCat(
      directory.PathOf(kSecretName).string(), " is damaged: ",
      size == kFileBytes ? "its checksum is wrong"
                         : absl::StrCat("it has ", size, " bytes, expected ", kFileBytes),
      ". Restore the file from a copy, or remove it: then all workers have to connect again, and "
      "are told that this is another store"));
}

absl::Status WriteSessionSecret(Env& env, Directory& directory, const std::string& secret) {
  // Nobody else's business, and nothing that somebody has put there.
  const std::string temporary = absl::StrCat(kSecretName, ".tmp-", absl::Hex(env.Random64()));
  absl::StatusOr<std::unique_ptr<WritableFile>> file =
      directory.Create(temporary, Directory::Access::kOwnerOnly);
  if (!file.ok()) return file.status();
  const std::string bytes = Encode(secret);
  absl::Status status = (*file)->Write(std::as_bytes(std::span(bytes)));
  if (status.ok()) status = (*file)->Sync();
  if (status.ok()) status = directory.Rename(temporary, kSecretName);
  if (status.ok()) status = directory.Sync();
  if (!status.ok()) directory.Remove(temporary).IgnoreError();
  return status;
}

}  // namespace varscope::server
