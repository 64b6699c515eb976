#pragma once

#include <node_api.h>

/** Adds the data plane's functions (src/data-plane.ts) to the addon's exports. */
void initDataPlane(napi_env env, napi_value exports);
