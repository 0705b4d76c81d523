// experiments/profile_report.h: a profile for people and as JSON; both say the same.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "experiments/profile_tiers.h"

namespace bitwright {

// What costs most of something.
struct Dominant {
  std::string name;  // of a layer, or of what is shared; empty where nothing is known
  double amount = 0.0, share = 0.0;
};
Dominant dominant_flash(const NetworkProfile& profile);
Dominant dominant_layer_flash(const NetworkProfile& profile);  // of what is a layer's own
Dominant dominant_cycles(const NetworkProfile& profile);       // or instructions, of a core without cycles
Dominant dominant_energy(const NetworkProfile& profile);

std::string profile_text(const NetworkProfile& profile);

// Schema 2. Shares are of 1; "upper" is the end of the interval that begins at the figure (deploy/timing.h).
//
//   - network, source, board, core, tier, execution, notes, tools
//   - op_types {name: count}, op_type_shares; weights {layer: count, bits, biases, share}; weights_by_bits; total_bits
//   - macs, parameters; flash_bytes, code_bytes, library_bytes, constant_bytes, data_bytes; ram_bytes, arena_bytes,
//     stack_bytes, stack_used_bytes, stack_path; exceeds [what of the board's memory]; instructions, cycles, latency_us,
//     energy_uj, null where not known
//   - layers [name, op, kernel, shapes, formats, macs, weights, flash, live RAM, instructions, cycles, shares]
//   - between_layers, shared_flash; memory {regions, steps}; dominant {flash, layer_flash, ram, cycles, energy}
//   - instructions_by_class, flash_model: of the emulated tier
std::string profile_json(const NetworkProfile& profile);

}  // namespace bitwright
