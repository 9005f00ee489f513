// Runs inside a browser page. One call with a peer outside: offerCall and acceptAnswer, or
// answerCall; then measureCall, and closeCall or closedWithin.
const call = { pc: null, states: [] };

async function prepare(options) {
  const pc = (call.pc = new RTCPeerConnection({}));
  call.started = performance.now();
  pc.onconnectionstatechange = () => {
    call.states.push([pc.connectionState, performance.now() - call.started]);
  };
  pc.ontrack = event => {
    const element = document.createElement(event.track.kind);
    element.autoplay = true;
    element.muted = event.track.kind === 'video';
    element.srcObject = new MediaStream([event.track]);
    document.body.appendChild(element);
    if (event.track.kind === 'video') call.video = element;
    event.track.onmute = () => { call.muted = performance.now() - call.started; };
  };
  if (options.data) {
    pc.createDataChannel('refused');
  }
}

async function addMedia() {
  const stream = await navigator.mediaDevices.getUserMedia(
    { audio: true, video: { width: 640, height: 480, frameRate: 20 } });
  for (const track of stream.getTracks()) call.pc.addTrack(track, stream);
}

const gathered = () => new Promise(resolve => {
  if (call.pc.iceGatheringState === 'complete') return resolve();
  call.pc.onicegatheringstatechange = () => call.pc.iceGatheringState === 'complete' && resolve();
  setTimeout(resolve, 3000);
});

async function offerCall(options) {
  await prepare(options);
  await addMedia();
  await call.pc.setLocalDescription();
  await gathered();
  return { type: 'offer', sdp: call.pc.localDescription.sdp };
}

async function acceptAnswer(answer) {
  call.started = performance.now();
  await call.pc.setRemoteDescription(answer);
}

async function answerCall(remote, options) {
  await prepare(options);
  await call.pc.setRemoteDescription(remote);
  await addMedia();
  await call.pc.setLocalDescription();
  await gathered();
  call.started = performance.now();
  return { type: 'answer', sdp: call.pc.localDescription.sdp };
}

async function until(condition, seconds) {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    if (condition()) return true;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  return condition();
}

async function snapshot() {
  const all = [];
  (await call.pc.getStats()).forEach(entry => all.push(entry));
  return all;
}

// The colour in the middle of what is shown: a picture that was decoded into nothing is one grey.
function spreadOfPicture() {
  const video = call.video;
  if (!video || !video.videoWidth) return 0;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0);
  const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let low = 255, high = 0;
  for (let i = 0; i < data.length; i += 64) {
    low = Math.min(low, data[i + 1]);
    high = Math.max(high, data[i + 1]);
  }
  return high - low;
}

async function measureCall(seconds) {
  const result = { userAgent: navigator.userAgent };
  result.connected = await until(() => call.pc.connectionState === 'connected', 8);
  const entry = call.states.find(([state]) => state === 'connected');
  result.connectMs = entry ? entry[1] : null;
  if (result.connected) {
    await until(() => call.video && call.video.videoWidth > 0, 3);
    result.firstPictureMs = performance.now() - call.started;
    result.before = await snapshot();
    await new Promise(resolve => setTimeout(resolve, seconds * 1000));
    result.after = await snapshot();
    result.spread = spreadOfPicture();
    result.transport = call.pc.getReceivers()[0].transport.state;
  }
  result.states = call.states;
  return result;
}

async function closedWithin(seconds) {
  const from = performance.now();
  const gone = await until(
    () => call.pc.getReceivers().some(r => r.transport && r.transport.state === 'closed'), seconds);
  return { gone, state: call.pc.connectionState, ms: performance.now() - from };
}

function closeCall() { call.pc.close(); }
