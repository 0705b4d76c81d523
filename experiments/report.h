// experiments/report.h: a study's result as one Markdown page.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/store/trial_store.h"
#include "core/study.h"
#include "deploy/verify.h"

namespace bitwright {

// Front, chosen point layer by layer, what the verification measured beside what was estimated, provenance.
std::string study_report(const TrialStore& store, const Study& study, const Trial& chosen,
                         const VerifyReport& measured);

}  // namespace bitwright
