/* A plugin that returns an error from the hook that the query names, and says nothing of it. */

#include <string.h>

#include "mik_plugin.h"

static const mik_host *mik;

static int32_t verdict(mik_request *request, const char *hook) {
    mik_str query = mik->text(request, MIK_QUERY);
    return query.len == strlen(hook) && memcmp(query.ptr, hook, query.len) == 0 ? -77 : MIK_OK;
}

static int32_t request_head(void *plugin, mik_request *request, void **state) {
    (void)plugin;
    (void)state;
    mik->ask(request, MIK_ASK_REQUEST_BODY | MIK_ASK_RESPONSE_BODY);
    return verdict(request, "request_head");
}

static int32_t response_head(void *plugin, mik_request *request, void **state) {
    (void)plugin;
    (void)state;
    return verdict(request, "response_head");
}

static int32_t request_body(void *plugin, mik_request *request, void **state, mik_str chunk,
                            uint32_t is_end) {
    (void)plugin;
    (void)state;
    (void)chunk;
    (void)is_end;
    return verdict(request, "request_body");
}

static int32_t response_body(void *plugin, mik_request *request, void **state, mik_str chunk,
                             uint32_t is_end) {
    (void)plugin;
    (void)state;
    (void)chunk;
    (void)is_end;
    return verdict(request, "response_body");
}

static const mik_plugin table = {
    .size = sizeof(mik_plugin),
    .abi_major = MIK_ABI_MAJOR,
    .abi_minor = MIK_ABI_MINOR,
    .name = MIK_STR_INIT("fails"),
    .version = MIK_STR_INIT("0"),
    .request_head = request_head,
    .response_head = response_head,
    .request_body = request_body,
    .response_body = response_body,
};

MIK_EXPORT const mik_plugin *mik_plugin_query(const mik_host *host) {
    mik = host;
    return &table;
}
