// SPDX-License-Identifier: Apache-2.0
#include "core/store/file_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/error.h"

namespace bitwright {
namespace {

std::string owner_text() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return fmt::format("pid {} on {}", getpid(), host.data());
}

std::string read_owner(int descriptor) {
  std::array<char, 300> text{};
  if (pread(descriptor, text.data(), text.size() - 1, 0) <= 0) return "unknown";
  text[std::strcspn(text.data(), "\n")] = '\0';
  return text.data();
}

}  // namespace

LockFile::LockFile(const std::string& path) {
  descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw StoreError(path + ": open: " + std::strerror(errno));
  if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const std::string owner = read_owner(descriptor_);
    close(descriptor_);
    if (error != EWOULDBLOCK) throw StoreError(path + ": lock: " + std::strerror(error));
    throw StoreError(path + ": lock: another search of this study is running (" + owner + "): wait for it or stop it");
  }
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
