/* A plugin for mik in C: adds the header x-powered-by to every response. */

#include "mik_plugin.h"

/* The host's table lives as long as the process. */
static const mik_host *mik;

static int32_t response_head(void *plugin, mik_request *request, void **state) {
    (void)plugin;
    (void)state;
    return mik->header_set(request, MIK_STR("x-powered-by"), MIK_STR("C"));
}

static const mik_plugin table = {
    .size = sizeof(mik_plugin),
    .abi_major = MIK_ABI_MAJOR,
    .abi_minor = MIK_ABI_MINOR,
    .name = MIK_STR_INIT("powered-by"),
    .version = MIK_STR_INIT("1.0.0"),
    .response_head = response_head,
};

MIK_EXPORT const mik_plugin *mik_plugin_query(const mik_host *host) {
    mik = host;
    return &table;
}
