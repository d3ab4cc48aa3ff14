// Compiles HLSL texts with Microsoft's shader compiler for Linux: dxc LIBRARY FILE ENTRY [FILE ENTRY ...]. Ends with
// the number of texts that were refused.
#include <cstdio>
#include <dlfcn.h>
#include <fstream>
#include <sstream>
#include <string>

#include "dxcapi.h"

int main(int count, char **words) {
    void *library = dlopen(words[1], RTLD_NOW);
    if (!library) {
        puts(dlerror());
        return 255;
    }
    auto create = (DxcCreateInstanceProc)dlsym(library, "DxcCreateInstance");
    IDxcCompiler3 *compiler = nullptr;
    if (create(CLSID_DxcCompiler, __uuidof(IDxcCompiler3), (void **)&compiler)) {
        puts("the library gives no compiler");
        return 255;
    }
    int refused = 0;
    for (int i = 2; i + 1 < count; i += 2) {
        std::stringstream text;
        text << std::ifstream(words[i]).rdbuf();
        std::string source = text.str(), entry = words[i + 1];
        std::wstring wide(entry.begin(), entry.end());
        DxcBuffer buffer{source.data(), source.size(), DXC_CP_UTF8};
        const wchar_t *options[] = {L"-E", wide.c_str(), L"-T", L"cs_6_0", L"-HV", L"2018", L"-no-warnings"};
        IDxcResult *result = nullptr;
        compiler->Compile(&buffer, options, 7, nullptr, __uuidof(IDxcResult), (void **)&result);
        HRESULT status;
        result->GetStatus(&status);
        if (status) {
            refused++;
            IDxcBlobUtf8 *errors = nullptr;
            result->GetOutput(DXC_OUT_ERRORS, __uuidof(IDxcBlobUtf8), (void **)&errors, nullptr);
            printf("%s %s: %s\n", words[i], words[i + 1], errors ? errors->GetStringPointer() : "refused");
        }
        result->Release();
    }
    return refused > 254 ? 254 : refused;
}
