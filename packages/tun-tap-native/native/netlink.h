#pragma once

#include <node_api.h>

/** Adds the netlink functions (src/netlink.ts) to the addon's exports. */
void initNetlink(napi_env env, napi_value exports);
