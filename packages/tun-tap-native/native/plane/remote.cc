#include "remote.h"

namespace pqtun {

void Remote::configure(const PeerSettings& settings) {
  if (settings.setsEndpoint) endpoint = settings.endpoint;
  if (settings.setsLocalAddress) localAddress = settings.localAddress;
  if (settings.pathMtu != 0) pathMtu = settings.pathMtu;
  if (settings.setsKind) {
    kindKnown = true;
    kind = settings.kind;
  }
}

}  // namespace pqtun
