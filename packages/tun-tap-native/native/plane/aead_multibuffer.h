#pragma once

#include "aead.h"
#include "chacha_lanes.h"

namespace pqtun {

/** The engine `multibuffer` on these lanes, or why not. Called once for each kind of lanes: what it makes stays. */
AeadOffer makeMultibufferAead(ChaChaLanes lanes);

}  // namespace pqtun
