-- One row as binary data, asked back as binary data: wrk … -s infer.lua URL -- WIDTH
function init(arguments)
  local width = tonumber(arguments[1])
  local head = string.format(
    '{"inputs":[{"name":"input","datatype":"FP32","shape":[1,%d],"parameters":{"binary_data_size":%d}}],"parameters":{"binary_data_output":true}}',
    width, 4 * width)
  wrk.method = "POST"
  wrk.body = head .. string.rep("\0\0\0\63", width)
  wrk.headers["Inference-Header-Content-Length"] = tostring(#head)
  wrk.headers["Content-Type"] = "application/octet-stream"
end
