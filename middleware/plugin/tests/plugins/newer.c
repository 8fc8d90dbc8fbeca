/* A plugin of a minor version to come: its table goes on where that of this mik ends. */

#include "mik_plugin.h"

static const mik_host *mik;

static int32_t create(const mik_host *host, mik_context *context, mik_str config, void **plugin) {
    (void)config;
    (void)plugin;
    /* It can do without what only a newer host has. */
    if (host->size > sizeof(mik_host)) {
        host->explain(context, NULL, MIK_STR("this host is newer than its header"));
        return MIK_FAILED;
    }
    return MIK_HAS(host, mik_host, body_write) ? MIK_OK : MIK_FAILED;
}

static int32_t response_head(void *plugin, mik_request *request, void **state) {
    (void)plugin;
    (void)state;
    return mik->header_set(request, MIK_STR("x-newer"), MIK_STR("yes"));
}

static const struct {
    mik_plugin known;
    void (*unknown)(void);
    mik_str more;
} table = {
    .known =
        {
            .size = sizeof(table),
            .abi_major = MIK_ABI_MAJOR,
            .abi_minor = MIK_ABI_MINOR + 7,
            .name = MIK_STR_INIT("newer"),
            .version = MIK_STR_INIT("7"),
            .create = create,
            .response_head = response_head,
        },
    .more = MIK_STR_INIT("more"),
};

MIK_EXPORT const mik_plugin *mik_plugin_query(const mik_host *host) {
    mik = host;
    return &table.known;
}
