// SPDX-License-Identifier: Apache-2.0
#include "core/store/file_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/error.h"
#include "core/identity.h"

namespace bitwright {
namespace {

std::string owner_text() {
  return fmt::format("pid {} on {}", getpid(), host_name());
}

std::string read_owner(int descriptor) {
  std::array<char, 300> text{};
  if (pread(descriptor, text.data(), text.size() - 1, 0) <= 0) return "unknown";
  text[std::strcspn(text.data(), "\n")] = '\0';
  return text.data();
}

// Opens and locks it; the descriptor is the caller's.
int locked_file(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) throw StoreError(path + ": open: " + std::strerror(errno));
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  const int error = errno;
  const std::string owner = read_owner(descriptor);
  close(descriptor);
  if (error != EWOULDBLOCK) throw StoreError(path + ": lock: " + std::strerror(error));
  throw StoreError(path + ": lock: another search of this study is running (" + owner + "): wait for it or stop it");
}

// False where the last holder removed it between our opening and locking it.
bool is_still_there(int descriptor, const std::string& path) {
  struct stat held {};
  struct stat named {};
  return fstat(descriptor, &held) == 0 && stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

}  // namespace

LockFile::LockFile(const std::string& path) {
  while (!is_still_there(descriptor_ = locked_file(path), path)) close(descriptor_);
  const std::string text = owner_text() + "\n";
  const bool written = ftruncate(descriptor_, 0) == 0 &&
                       pwrite(descriptor_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (!written) {
    const int error = errno;
    close(descriptor_);
    throw StoreError(path + ": write: " + std::strerror(error));
  }
}

LockFile::~LockFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::optional<std::string_view> network_file_system(uint64_t type) {
  constexpr std::pair<uint64_t, std::string_view> kTypes[] = {
      {0x6969, "NFS"},     {0x517b, "SMB"},        {0xfe534d42, "SMB"},  {0xff534d42, "CIFS"},   {0x65735546, "FUSE"},
      {0x5346414f, "AFS"}, {0x0bd00bd0, "Lustre"}, {0x00c36400, "Ceph"}, {0x19830326, "BeeGFS"}, {0x47504653, "GPFS"}};
  for (const auto& [magic, name] : kTypes)
    if (magic == (type & 0xffffffff)) return name;
  return std::nullopt;
}

void check_file_system(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  struct statfs info {};
  if (statfs(folder.c_str(), &info) != 0)
    throw StoreError(path + ": open: folder " + folder + ": " + std::strerror(errno));
  if (const auto name = network_file_system(static_cast<uint64_t>(info.f_type)))
    throw StoreError(
        fmt::format("{}: open: {} is on a network file system ({}), where a store may be damaged: keep it on "
                    "a local disk and copy it when the search has ended",
                    path, folder, *name));
}

}  // namespace bitwright
