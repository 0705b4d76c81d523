// core/io/network_yaml.h: a Network as YAML that people write and read (docs/configuration.md, "Network").
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/network.h"

namespace bitwright {

// Throw ConfigError with one line per mistake; shapes and formats that do not close are reported at their layer.
Network load_network(const std::string& path);
Network network_from_yaml(const std::string& text, const std::string& place);

// network_from_yaml(network_to_yaml(n)) == n for every n that infer_shapes accepts.
std::string network_to_yaml(const Network& network);

// Every field of a network file, `layers.kernel`, sorted; docs/configuration.md documents each.
std::vector<std::string> network_fields();

}  // namespace bitwright
