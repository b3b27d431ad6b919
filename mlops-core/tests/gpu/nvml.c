/* As much of NVIDIA's management library as the probe calls: two GPUs, of which the second is divided
 * and does not tell its utilisation. The file STATE_FILE says what is wrong: `lost` (the second
 * GPU fell off the bus), `broken` (nothing starts). Signatures are those of `nvml.h`. */
#include <stdio.h>
#include <string.h>

enum { OK = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15 };
typedef struct { unsigned int version; unsigned long long total, reserved, free, used; } memory_t;
typedef struct { unsigned int gpu, memory; } utilization_t;

static int state_is(const char *word) {
    char found[32] = "";
    FILE *state = fopen(STATE_FILE, "r");
    if (!state) return 0;
    if (!fgets(found, sizeof found, state)) found[0] = 0;
    fclose(state);
    return strcmp(found, word) == 0;
}

int nvmlInit_v2(void) { return state_is("broken") ? DRIVER_NOT_LOADED : OK; }
int nvmlShutdown(void) { return OK; }
int nvmlSystemGetDriverVersion(char *version, unsigned int length) {
    snprintf(version, length, "570.00");
    return OK;
}
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = 2; return OK; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device) {
    if (index > 1) return INVALID_ARGUMENT;
    if (index == 1 && state_is("lost")) return GPU_IS_LOST;
    *device = (void *)(size_t)(index + 1);
    return OK;
}
int nvmlDeviceGetName(void *device, char *name, unsigned int length) {
    snprintf(name, length, "Paper %zu", (size_t)device);
    return OK;
}
int nvmlDeviceGetUUID(void *device, char *uuid, unsigned int length) {
    snprintf(uuid, length, "GPU-%zu", (size_t)device);
    return OK;
}
int nvmlDeviceGetMemoryInfo_v2(void *device, memory_t *memory) {
    memory->total = 16ull << 30;
    memory->used = (size_t)device << 30;
    memory->reserved = 0;
    memory->free = memory->total - memory->used;
    return OK;
}
int nvmlDeviceGetUtilizationRates(void *device, utilization_t *rates) {
    if ((size_t)device == 2) return NOT_SUPPORTED;
    rates->gpu = 42;
    rates->memory = 7;
    return OK;
}
