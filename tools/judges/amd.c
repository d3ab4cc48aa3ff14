// Compiles SPIR-V compute shaders for an AMD GPU that is not there, by Mesa's RADV on its null device, which prints
// registers, spills and instructions (RADV_DEBUG=shaderstats). Needs libvulkan-dev.
//
//   amd FILE.spv ENTRY [FILE.spv ENTRY ...]
#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>

// Bindings that a layout has; no kernel of ours has more.
enum { BINDINGS = 24 };

static void need(VkResult result, const char *what) {
    if (result < 0) {
        fprintf(stderr, "%s: %d\n", what, result);
        exit(1);
    }
}

static VkShaderModule module_of(VkDevice device, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    uint32_t *words = malloc(size);
    if (fread(words, 1, size, file) != size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    VkShaderModule module;
    need(vkCreateShaderModule(device,
                              &(VkShaderModuleCreateInfo){.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                                          .codeSize = size,
                                                          .pCode = words},
                              NULL, &module),
         path);
    free(words);
    return module;
}

int main(int count, char **words) {
    VkInstance instance;
    VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_3};
    need(vkCreateInstance(&(VkInstanceCreateInfo){.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                                  .pApplicationInfo = &application},
                          NULL, &instance),
         "instance");
    uint32_t found = 1;
    VkPhysicalDevice physical;
    need(vkEnumeratePhysicalDevices(instance, &found, &physical), "devices");
    float priority = 1;
    VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
    VkDevice device;
    need(vkCreateDevice(physical,
                        &(VkDeviceCreateInfo){.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                              .queueCreateInfoCount = 1,
                                              .pQueueCreateInfos = &queue},
                        NULL, &device),
         "device");
    // Binding 0 is the uniform of every kernel but a few; what is declared otherwise only changes its address.
    VkDescriptorSetLayoutBinding bindings[BINDINGS];
    for (uint32_t i = 0; i < BINDINGS; i++) {
        VkDescriptorType type = i == 0 || i == 9 ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
        bindings[i] = (VkDescriptorSetLayoutBinding){i, type, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL};
    }
    VkDescriptorSetLayout set;
    need(vkCreateDescriptorSetLayout(
             device,
             &(VkDescriptorSetLayoutCreateInfo){.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                .bindingCount = BINDINGS,
                                                .pBindings = bindings},
             NULL, &set),
         "set");
    VkPipelineLayout layout;
    need(vkCreatePipelineLayout(device,
                                &(VkPipelineLayoutCreateInfo){.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                                              .setLayoutCount = 1,
                                                              .pSetLayouts = &set},
                                NULL, &layout),
         "layout");
    for (int i = 1; i + 1 < count; i += 2) {
        fprintf(stderr, "=== %s %s\n", words[i], words[i + 1]);
        VkComputePipelineCreateInfo info = {
            .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
            .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                      .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                      .module = module_of(device, words[i]),
                      .pName = words[i + 1]},
            .layout = layout};
        VkPipeline pipeline;
        need(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline), words[i]);
    }
    return 0;
}
