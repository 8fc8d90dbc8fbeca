/* A plugin that is broken in one way, which the compiler is told: -DSIZE=8, -DMAJOR=2, -DMINOR=7,
 * -DNAME='"No Name"', -DNO_TABLE, -DNO_HOOKS, -DNO_SYMBOL, -DREFUSES, -DREFUSES_MUTELY. */

#include "mik_plugin.h"

#ifndef SIZE
#define SIZE sizeof(mik_plugin)
#endif
#ifndef MAJOR
#define MAJOR MIK_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR MIK_ABI_MINOR
#endif
#ifndef NAME
#define NAME "broken"
#endif

#if defined(REFUSES) || defined(REFUSES_MUTELY)
static int32_t create(const mik_host *host, mik_context *context, mik_str config, void **plugin) {
    (void)config;
    (void)plugin;
#ifdef REFUSES
    host->explain(context, NULL, MIK_STR("the moon\nis not full"));
#else
    (void)host;
    (void)context;
#endif
    return MIK_FAILED;
}
#define CREATE create
#else
#define CREATE NULL
#endif

#ifdef NO_HOOKS
#define HOOK NULL
#else
static int32_t response_head(void *plugin, mik_request *request, void **state) {
    (void)plugin;
    (void)request;
    (void)state;
    return MIK_OK;
}
#define HOOK response_head
#endif

static const mik_plugin table = {
    .size = SIZE,
    .abi_major = MAJOR,
    .abi_minor = MINOR,
    .name = MIK_STR_INIT(NAME),
    .version = MIK_STR_INIT("0"),
    .create = CREATE,
    .response_head = HOOK,
};

#ifdef NO_SYMBOL
#define mik_plugin_query another_symbol
MIK_EXPORT const mik_plugin *another_symbol(const mik_host *host);
#endif

MIK_EXPORT const mik_plugin *mik_plugin_query(const mik_host *host) {
    (void)host;
#ifdef NO_TABLE
    (void)table;
    return NULL;
#else
    return &table;
#endif
}
