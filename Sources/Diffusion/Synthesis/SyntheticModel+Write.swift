import Foundation
package import TensorEngine

extension SyntheticModel {
    /// How far the writing is.
    package struct Progress: Sendable, Hashable {
        /// Bytes of tensors written.
        package let bytes: Int
        /// Bytes of all tensors.
        package let total: Int
        /// The component that is being written.
        package let component: String
    }

    /// A component's weights, to be written.
    private struct Component {
        let name: String
        let tensors: [SafetensorsStream.Outline]
    }

    /// Writes the model to `folder`, which must be new or empty; it appears there whole or not at all.
    ///
    /// - Returns: the number of parameters.
    package func write(
        to folder: String, context: ComputeContext, onProgress: (Progress) -> Void = { _ in }
    ) throws(SynthesisError) -> Int {
        let files = FileManager.default
        if files.fileExists(atPath: folder) {
            let contents = try? files.contentsOfDirectory(atPath: folder)
            guard contents?.isEmpty == true else { throw .notEmpty(folder: folder) }
        }
        let partial = "\(folder).\(getpid()).partial"
        do throws(SynthesisError) {
            for (path, text) in texts { try Self.write(text, to: joined(partial, path)) }
            let components = try components(of: partial)
            let bytes = components.flatMap(\.tensors).reduce(0) { $0 + $1.byteCount }
            let free = try Self.freeBytes(at: partial)
            guard bytes < free else { throw .noRoom(folder: folder, needed: bytes, free: free) }
            var written = 0
            for component in components {
                try write(component, to: joined(partial, component.name), context) { size in
                    written += size
                    onProgress(Progress(bytes: written, total: bytes, component: component.name))
                }
            }
            guard rename(partial, folder) == 0 else {
                throw .unwritable(FileError(path: folder, code: errno))
            }
            return components.flatMap(\.tensors).reduce(0) { $0 + $1.count }
        } catch {
            try? files.removeItem(atPath: partial)
            throw error
        }
    }

    /// What the networks of the folder's settings read, found by building them without weights.
    private func components(of folder: String) throws(SynthesisError) -> [Component] {
        do throws(ModelError) {
            let reader = try CascadeReader(folder: folder)
            let tower = try TextEncoderConfig(
                file: reader.config("text_encoder", classes: ["CLIPTextModelWithProjection"]))
            let projection = try TextProjectionConfig(
                file: reader.config("text_proj", classes: ["UnCLIPTextProjModel"]))
            var components = [
                try outline("text_encoder") { scope throws(ModelError) in
                    _ = try CLIPTextTower(scope, shape: tower)
                },
                try outline("text_proj") { scope throws(ModelError) in
                    _ = try TextProjection(scope, shape: projection)
                },
            ]
            for stage in try reader.stages() {
                for name in stage.components {
                    components.append(
                        try outline(name) { scope throws(ModelError) in
                            switch stage.network {
                            case .prior(let shape): _ = try PriorTransformer(scope, shape: shape)
                            case .decoder(let shape): _ = try DecoderUNet(scope, shape: shape)
                            case .superResolution(let shape, _):
                                _ = try SuperResolutionUNet(scope, shape: shape)
                            }
                        })
                }
            }
            return components
        } catch {
            throw .model(error)
        }
    }

    private func outline(
        _ name: String, _ build: (WeightScope) throws(ModelError) -> Void
    ) throws(ModelError) -> Component {
        let outline = WeightOutline()
        try build(WeightScope(outline))
        return Component(
            name: name,
            tensors: outline.shapes.sorted { $0.key < $1.key }.map {
                SafetensorsStream.Outline(name: $0.key, shape: $0.value, type: type)
            })
    }

    private func write(
        _ component: Component, to folder: String, _ context: ComputeContext, onTensor: (Int) -> Void
    ) throws(SynthesisError) {
        let file = component.name == "text_encoder" ? "model" : "diffusion_pytorch_model"
        do throws(FileError) {
            let stream = try SafetensorsStream(
                path: joined(folder, "\(file).safetensors"), tensors: component.tensors,
                metadata: ["format": "pt"])
            for tensor in component.tensors {
                let values = SyntheticValues(
                    component: component.name, tensor: tensor.name, shape: tensor.shape, seed: seed)
                try stream.append(values.values(count: tensor.count, context))
                onTensor(tensor.byteCount)
            }
            try stream.finish()
        } catch {
            throw .unwritable(error)
        }
    }

    private static func write(_ text: String, to path: String) throws(SynthesisError) {
        let place = URL(filePath: path)
        do {
            try FileManager.default.createDirectory(
                at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: place)
        } catch {
            throw .unwritable(FileError(path: path, code: errno))
        }
    }

    private static func freeBytes(at folder: String) throws(SynthesisError) -> Int {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else {
            throw .unwritable(FileError(path: folder, code: errno))
        }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }
}
