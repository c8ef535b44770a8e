// A plug-in in plain C: sends each frame on as it came.
#include "ride/plugin.h"

static const char declaration[] = "{\"name\": \"plain\", \"doc\": \"Passes frames on.\"}";

static int state;
static void* create(const RideTask* task) {
  (void)task;
  return &state;
}
static int32_t open_task(void* self, const RideOpen* open, const RideCall* call) {
  (void)self, (void)open, (void)call;
  return RIDE_OK;
}
static int32_t process(void* self, const RideFrame* frame, const RideCall* call) {
  (void)self, (void)frame;
  return call->pass(call, 0, 0);
}
static void destroy(void* self) { (void)self; }

static const RideTask task = {
    sizeof(RideTask), {declaration, sizeof declaration - 1}, 0, create, open_task, process, 0, 0, destroy};
static const RideTask* const tasks[] = {&task};
static const RidePlugin plugin = {sizeof(RidePlugin), RIDE_PLUGIN_ABI, 1, tasks, {0, 0}, {0, 0}};

const RidePlugin* ride_plugin(uint32_t host_abi) {
  (void)host_abi;
  return &plugin;
}
