// core/io/board_yaml.h: boards from configs/boards/*.yaml, which travel inside the program, or from a file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/board.h"

namespace bitwright {

class Fields;

// "nucleo-f411re", or the path of a YAML file (anything with a '/' or ending in ".yaml").
// Throws ConfigError with one line per mistake; for an unknown name with the nearest known one.
Board load_board(const std::string& name_or_path);
Board board_from_yaml(const std::string& text, const std::string& place);

// Names of the boards inside the program, sorted.
std::vector<std::string> board_names();

// Values of Board::core.
const std::vector<std::string>& board_cores();

// The schema: a board as a section of a larger configuration (a stored study).
void visit_board(Fields& fields, Board& board);

// Every field of a board file, sorted; docs/configuration.md documents each.
std::vector<std::string> board_fields();

}  // namespace bitwright
