// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one LLVM module under construction: types, names and metadata that its functions share.

import CInterpreter
import CLLVM
import Wasm
import WasmRuntime

/// What memory an instruction touches; two kinds never overlap.
enum AliasClass: Hashable {
    /// A linear memory.
    case memory
    /// What never changes while code of the instance runs: addresses behind the context.
    case constant
    /// Sizes and elements of tables, sizes of memories.
    case table
    /// A global of the instance's own, by index.
    case global(Int)
    /// A global that other instances may have under another name.
    case sharedGlobal
    /// Arguments and results in slots.
    case slots

    /// Whether an access may trap, or what it leaves can be seen after a trap.
    var isVisible: Bool {
        switch self {
        case .memory, .table, .global, .sharedGlobal: true
        case .constant, .slots: false
        }
    }
}

/// An LLVM module with a context of its own, so that several can be built at the same time.
final class Unit {
    let source: Module
    let layout: ContextLayout
    let target: Target
    let level: ModuleCompiler.Level
    /// ``ModuleCompiler/hasExactTraps``.
    let hasExactTraps: Bool
    let machine: TargetMachine
    let context: LLVMContextRef
    let module: LLVMModuleRef

    let i1: LLVMTypeRef
    let i8: LLVMTypeRef
    let i16: LLVMTypeRef
    let i32: LLVMTypeRef
    let i64: LLVMTypeRef
    let f32: LLVMTypeRef
    let f64: LLVMTypeRef
    let pointer: LLVMTypeRef
    let void: LLVMTypeRef
    /// A v128 as functions pass it.
    let v128: LLVMTypeRef

    private var bodies: [UInt32: LLVMValueRef] = [:]
    private var indirections: [UInt32: LLVMValueRef] = [:]
    private var intrinsics: [String: (function: LLVMValueRef, type: LLVMTypeRef)] = [:]
    private var aliasTags: [AliasClass: LLVMValueRef] = [:]
    private let aliasRoot: LLVMMetadataRef
    private let tbaaKind: UInt32
    private let invariantKind: UInt32
    private let weightKind: UInt32
    private let unlikely: LLVMValueRef

    init(
        _ source: Module, layout: ContextLayout, target: Target, level: ModuleCompiler.Level,
        hasExactTraps: Bool = false
    ) throws(CompilationError) {
        machine = try TargetMachine(target, level)
        self.level = level
        self.hasExactTraps = hasExactTraps
        self.source = source
        self.layout = layout
        self.target = target
        context = LLVMContextCreate()
        module = LLVMModuleCreateWithNameInContext("module", context)
        LLVMSetTarget(module, target.triple)
        LLVMSetModuleDataLayout(module, machine.dataLayout)
        i1 = LLVMInt1TypeInContext(context)
        i8 = LLVMInt8TypeInContext(context)
        i16 = LLVMInt16TypeInContext(context)
        i32 = LLVMInt32TypeInContext(context)
        i64 = LLVMInt64TypeInContext(context)
        f32 = LLVMFloatTypeInContext(context)
        f64 = LLVMDoubleTypeInContext(context)
        pointer = LLVMPointerTypeInContext(context, 0)
        void = LLVMVoidTypeInContext(context)
        v128 = LLVMVectorType(i64, 2)
        let context = context
        func kind(_ name: StaticString) -> UInt32 {
            name.withUTF8Buffer { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    LLVMGetMDKindIDInContext(context, $0.baseAddress, UInt32($0.count))
                }
            }
        }
        tbaaKind = kind("tbaa")
        invariantKind = kind("invariant.load")
        weightKind = kind("prof")
        aliasRoot = Self.node([Self.text("swiftlet", context)], context)
        unlikely = LLVMMetadataAsValue(
            context,
            Self.node(
                [
                    Self.text("branch_weights", context), LLVMValueAsMetadata(LLVMConstInt(i32, 1, 0)),
                    LLVMValueAsMetadata(LLVMConstInt(i32, 1 << 20, 0)),
                ], context))
    }

    deinit {
        LLVMDisposeModule(module)
        LLVMContextDispose(context)
    }

    // MARK: Types

    func type(_ type: ValueType) -> LLVMTypeRef {
        switch type {
        case .i32: i32
        case .i64: i64
        case .f32: f32
        case .f64: f64
        case .v128: v128
        default: i64
        }
    }

    /// How the results of a function come back.
    func resultType(_ results: [ValueType]) -> LLVMTypeRef {
        switch results.count {
        case 0: return void
        case 1: return type(results[0])
        case ...Int(sw_register_results):
            var fields: [LLVMTypeRef?] = results.map { type($0) }
            return LLVMStructTypeInContext(context, &fields, UInt32(fields.count), 0)
        default: return void
        }
    }

    static func returnsInSlots(_ type: FunctionType) -> Bool { type.results.count > Int(sw_register_results) }

    /// A native function of a Wasm type (Native.h). `leading` pointers stand between the context and the parameters.
    func signature(_ type: FunctionType, leading: Int = 0) -> LLVMTypeRef {
        var parameters: [LLVMTypeRef?] = Array(repeating: pointer, count: 1 + leading)
        if Self.returnsInSlots(type) { parameters.append(pointer) }
        parameters += type.parameters.map { self.type($0) }
        return LLVMFunctionType(resultType(type.results), &parameters, UInt32(parameters.count), 0)
    }

    func functionType(_ result: LLVMTypeRef, _ parameters: [LLVMTypeRef]) -> LLVMTypeRef {
        var parameters: [LLVMTypeRef?] = parameters
        return LLVMFunctionType(result, &parameters, UInt32(parameters.count), 0)
    }

    /// The type index of a function of the module.
    func typeIndex(ofFunction index: UInt32) -> UInt32 {
        if Int(index) >= layout.importedFunctionCount {
            return source.functionTypeIndices[Int(index) - layout.importedFunctionCount]
        }
        var current: UInt32 = 0
        for entry in source.imports {
            guard case .function(let type) = entry.description else { continue }
            if current == index { return type }
            current += 1
        }
        return 0
    }

    // MARK: Functions

    /// The body of a defined function, declared at its first mention.
    func body(_ index: UInt32) -> LLVMValueRef {
        if let known = bodies[index] { return known }
        let type = source.functionType(typeIndex(ofFunction: index))
        let function = add("f\(index)", signature(type))
        LLVMSetVisibility(function, LLVMHiddenVisibility)
        bodies[index] = function
        return function
    }

    /// Forgets what was made of a function so far; who calls it gets to the interpreter.
    func abandon(_ index: UInt32) {
        let old = body(index)
        LLVMSetValueName2(old, "", 0)
        bodies[index] = nil
        LLVMReplaceAllUsesWith(old, body(index))
        LLVMDeleteFunction(old)
    }

    /// Indices of the module's functions that are mentioned here and have no code here.
    var undefinedBodies: [UInt32] {
        bodies.filter { LLVMIsDeclaration($0.value) != 0 }.keys.sorted()
    }

    /// Calls a function given by its `sw_function` in whatever way it can be called: the rare half of an indirect
    /// call.
    func indirection(_ typeIndex: UInt32) -> LLVMValueRef {
        if let known = indirections[typeIndex] { return known }
        let function = add("s\(typeIndex)", signature(source.functionType(typeIndex), leading: 1))
        LLVMSetLinkage(function, LLVMPrivateLinkage)
        addAttribute("noinline", to: function)
        addAttribute("cold", to: function)
        indirections[typeIndex] = function
        return function
    }

    var usedIndirections: [(type: UInt32, function: LLVMValueRef)] {
        indirections.map { (type: $0.key, function: $0.value) }.sorted { $0.type < $1.type }
    }

    func add(_ name: String, _ type: LLVMTypeRef, isNative: Bool = true) -> LLVMValueRef {
        let function: LLVMValueRef = LLVMAddFunction(module, name, type)
        if isNative { LLVMSetFunctionCallConv(function, Self.convention) }
        addAttribute("nounwind", to: function)
        // Backtraces follow frame pointers; a frame never skips the guard at the stack's end.
        addAttribute("frame-pointer", "all", to: function)
        addAttribute("probe-stack", "inline-asm", to: function)
        addAttribute("no-builtins", "true", to: function)
        addAttribute("target-cpu", target.processor, to: function)
        addAttribute("target-features", target.features, to: function)
        return function
    }

    /// LLVM's `tailcc`: as fast as the platform's convention, and tail calls of any type are calls of constant space.
    static let convention: UInt32 = 18

    func addAttribute(_ name: String, to function: LLVMValueRef) {
        let kind = LLVMGetEnumAttributeKindForName(name, name.utf8.count)
        LLVMAddAttributeAtIndex(function, Self.functionIndex, LLVMCreateEnumAttribute(context, kind, 0))
    }

    func removeAttribute(_ name: String, from function: LLVMValueRef) {
        LLVMRemoveEnumAttributeAtIndex(
            function, Self.functionIndex, LLVMGetEnumAttributeKindForName(name, name.utf8.count))
    }

    func addAttribute(_ name: String, _ value: String, to function: LLVMValueRef) {
        let attribute = LLVMCreateStringAttribute(
            context, name, UInt32(name.utf8.count), value, UInt32(value.utf8.count))
        LLVMAddAttributeAtIndex(function, Self.functionIndex, attribute)
    }

    static let functionIndex = UInt32(bitPattern: -1)

    /// An intrinsic for the types in its name: `llvm.ctlz` with [i32].
    func intrinsic(_ name: String, _ types: [LLVMTypeRef]) -> (function: LLVMValueRef, type: LLVMTypeRef) {
        let key = types.reduce(name) { $0 + ".\(UInt(bitPattern: $1))" }
        if let known = intrinsics[key] { return known }
        let number = LLVMLookupIntrinsicID(name, name.utf8.count)
        precondition(number != 0, "LLVM has no intrinsic \(name)")
        var types: [LLVMTypeRef?] = types
        let made: (LLVMValueRef, LLVMTypeRef) = (
            LLVMGetIntrinsicDeclaration(module, number, &types, types.count),
            LLVMIntrinsicGetType(context, number, &types, types.count)
        )
        intrinsics[key] = made
        return made
    }

    // MARK: Metadata

    private static func text(_ text: String, _ context: LLVMContextRef) -> LLVMMetadataRef {
        LLVMMDStringInContext2(context, text, text.utf8.count)
    }

    private static func node(_ operands: [LLVMMetadataRef], _ context: LLVMContextRef) -> LLVMMetadataRef {
        var operands: [LLVMMetadataRef?] = operands
        return LLVMMDNodeInContext2(context, &operands, operands.count)
    }

    /// Says what a load or store touches.
    func mark(_ access: LLVMValueRef, _ alias: AliasClass) {
        let tag: LLVMValueRef
        if let known = aliasTags[alias] {
            tag = known
        } else {
            let zero: LLVMMetadataRef = LLVMValueAsMetadata(LLVMConstInt(i64, 0, 0))
            var parent = aliasRoot
            // A global of one's own may be exported, and then be somebody's shared one.
            if case .global = alias { parent = Self.node([Self.text("globals", context), aliasRoot, zero], context) }
            let name = alias == .sharedGlobal ? "globals" : "\(alias)"
            let type = Self.node([Self.text(name, context), parent, zero], context)
            tag = LLVMMetadataAsValue(context, Self.node([type, type, zero], context))
            aliasTags[alias] = tag
        }
        LLVMSetMetadata(access, tbaaKind, tag)
        if alias == .constant, LLVMIsALoadInst(access) != nil {
            LLVMSetMetadata(access, invariantKind, LLVMMetadataAsValue(context, Self.node([], context)))
        }
    }

    /// Whether a load reads what is always there.
    func isInvariant(_ load: LLVMValueRef) -> Bool { LLVMGetMetadata(load, invariantKind) != nil }

    /// Says of a conditional branch that it hardly ever goes to its first target.
    func markUnlikely(_ branch: LLVMValueRef) { LLVMSetMetadata(branch, weightKind, unlikely) }
}
