// core/store/store_care.h: what keeps a store's content when its file is in danger: checks, copies, and what can be
// read of a damaged one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bitwright {

// What is wrong with a store, a line each; none: it is sound. Pages, tables, what belongs to what, the SHA-256 of every
// artifact, and every trial read. Also while a search writes it.
std::vector<std::string> check_store(const std::string& path);

// Copies the store, as it is at one moment, to a file that is not there yet; also while a search writes it. The copy is
// whole or not there. Throws StoreError.
void back_up_store(const std::string& path, const std::string& destination);

struct Salvage {
  int64_t kept = 0;                   // trials
  std::vector<int64_t> lost{};        // their numbers, as far as these are known
  std::vector<std::string> tables{};  // other tables of which rows are lost
};

// Makes a store, in a file that is not there yet, of all trials that can be read whole from a damaged one, which stays
// as it is. A search goes on with it; its proposals can no longer be replayed where a trial is lost. Throws StoreError
// where a search holds the store, or what says which study it is cannot be read.
Salvage salvage_store(const std::string& path, const std::string& destination);

}  // namespace bitwright
