// core/store/file_guard.h: what keeps a store's file safe from a second writer and from disks that cannot lock.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bitwright {

// An advisory lock (flock) that ends with the process, however it ends. The file stays; only its holder may remove it, as
// long as it has the lock. It holds "pid 4711 on host" of its last owner, for people.
class LockFile {
 public:
  // Throws StoreError naming the owner if another process has it.
  explicit LockFile(const std::string& path);
  LockFile(LockFile&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  LockFile& operator=(LockFile&&) = delete;
  ~LockFile();

 private:
  int descriptor_ = -1;
};

// "NFS", "SMB", ... for the f_type that statfs(2) gives for a network file system: SQLite's shared-memory index does
// not work across hosts, and their locks are not to be trusted. Nothing for a local one.
std::optional<std::string_view> network_file_system(uint64_t type);

// Throws StoreError with the remedy where the folder of `path` is missing or lies on a network file system.
void check_file_system(const std::string& path);

}  // namespace bitwright
