import { create } from "webgpu";

// The process crashes when this is collected while a device of it lives.
const dawn = create([]);

/** Dawn, and the devices that have been asked of it. */
export async function recordingGpu(): Promise<{ readonly gpu: GPU; readonly devices: GPUDevice[] }> {
  const devices: GPUDevice[] = [];
  const requestAdapter = async (options?: GPURequestAdapterOptions) => {
    const adapter = await dawn.requestAdapter(options);
    return adapter === null ? null : recording(adapter);
  };
  const recording = (adapter: GPUAdapter) =>
    ({
      features: adapter.features,
      limits: adapter.limits,
      info: adapter.info,
      async requestDevice(descriptor?: GPUDeviceDescriptor) {
        const device = await adapter.requestDevice(descriptor);
        devices.push(device);
        return device;
      },
    }) as GPUAdapter;
  return { gpu: { requestAdapter } as GPU, devices };
}
