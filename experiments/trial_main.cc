// experiments/trial_main.cc: the program bitwright-trial: trains one candidate, or many one after another. It alone
// links libtorch, whose load takes about a second, so local workers are long-lived.
// SPDX-License-Identifier: Apache-2.0
#include "experiments/trial_program.h"

int main(int argc, char** argv) {
  return bitwright::trial_program(argc, argv, bitwright::run_trial);
}
