export { type BinarySocket, type Channel, type ChannelListener, channelPair, webSocketChannel } from "./channel.js";
export { type RemoteBackend, remoteBackend } from "./remote-backend.js";
export { type Served, serveBackend } from "./serve-backend.js";
