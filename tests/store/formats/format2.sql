-- Some trials of a search of bitwright demo's study, as the program of that format stored them; of the models that of trial 0.
PRAGMA application_id = 1113019220;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE artifact (
  trial INTEGER NOT NULL REFERENCES trial (number),
  kind TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  content BLOB NOT NULL,
  PRIMARY KEY (trial, kind)
) STRICT;
INSERT INTO "artifact" VALUES(0,'model',2227,'529eb068d2eb4031e3130859d458ff423f550577e69e49b8ac0a1047f92e1a2d',X'7B22696E7075745F7363616C65223A302E3033313439363036323939323132353938342C226C6179657273223A5B7B2264657363656E64696E67223A22414141414141414141414141414141414141414141413D3D222C22696E76657273655F73746570223A312E302C226F75747075745F7363616C65223A312E302C2273686966745F66726F6D223A302C2273686966745F77697468223A302C227468726573686F6C6473223A224267414141503441414141502F502F2F6466372F2F79774141414245416741414550332F2F2F762B2F2F384B2F762F2F54662F2F2F317A392F2F38582F2F2F2F7350762F2F33622B2F2F2F474141414138774541414C76382F2F2F422F762F2F5A76332F2F78722F2F2F2B5A4141414174674541414373414141445A41414141312F332F2F79542F2F2F2B514141414176774541414866382F2F2B782F762F2F33662F2F2F3549424141413D222C2277656967687473223A222B6749432B77514641514D454276372F2F2F2F2F2F7634412F50372F2F2F7A2F422F6F46412F2F39412F2F372F77454541507A2F4241582F2B2F344642662F38414159462F667341427754392B674147412F33352F506B414276304441774544427634424166332F2B6630442F5145412F5145432B2F7346415145442F2F30482F775941415144384141582F2F51442F415154392F414D432F67442F2F774D422B2F384541514D422B51414241414542416638424177482F416751412F5149462F66774342666E3641774C352F4151422B2F3447417634444177502B2F514948412F76374141662F2B766F42426637372F4149444150384242514C392F50344542514C3842662F36422F2F37427744374267503541775035414162362F7766362F4158352F4158392F67622F2F7741412F6638424166332F42414C38415159442B67494741506B4342662F374167502B2F4141422F2F7A2F42507341426633384267483742415436415166382F67662B2F4155422B774D442B5141432B51454341675438416754382F6766392B6755412B6741452F5030464150734641767344412F7343412F77434150372F2F6634412F2F332F41674839416755442F514D4841767341425148372F774D412F4141434166372B416630432F6630432F6741432F674D46417749482F762F2B2F77482B2F2F38412F6638432F514D412F5158394151442F2F774542415038414177482B2F6749452F767A2B42514C372B674D48416676394251582F2F5030432F767A38425163442B77494742767A38414144392F5141412F66304141667A37416759472F2F304141662F3742762F384267483642415836415162372F6766392F41622F2B7751432B7749452B6741442B674543417634424151502B416630432F666B422B2F7A372F76722F2B2F30412F76332B41766B432F7677442B2F383D227D2C7B22696E76657273655F73746570223A312E302C226D756C7469706C696572223A2231415936626451474F6D3355426A707431415936626451474F6D3355426A707431415936626451474F6D3355426A707431415936626451474F6D3355426A707431415936626451474F6D3355426A70743141593662513D3D222C226F6666736574223A224141414149414141414141414141416741414141414141414143414141414141414141414941414141414141414141674141414141414141414341414141414141414141494141414141414141414167414141414141414141434141414141414141414149414141414141414141416741414141414141414143414141414141414141414941414141414141414141674141414141414141414341414141414141414141494141414141413D222C226F75747075745F7363616C65223A302E303037383132352C227368696674223A22486834654868346548683465486834654868346548673D3D222C2273686966745F66726F6D223A302C2273686966745F77697468223A307D2C7B2262696173223A224B41414141454C2F2F2F3942414141415551414141413D3D222C22696E76657273655F73746570223A312E302C226F75747075745F7363616C65223A302E303032353635363338383630363837363133352C2273686966745F66726F6D223A302C2273686966745F77697468223A302C2277656967687473223A2241414838412F7A2F41675543417755422F675144412F7A35416677452B514C374177582B2F506F46412F344342415439417754372F5072372F4155452B2F73424151502F41667742415150392F51482B42502F2B2F673D3D227D5D2C226E6574776F726B223A7B22696E707574223A7B22666F726D6174223A22696E7438222C227368617065223A5B3630302C312C315D7D2C226C6179657273223A5B7B2261637469766174696F6E73223A227465726E617279222C2262617463685F6E6F726D223A747275652C2262696173223A66616C73652C226368616E6E656C73223A31362C2266726F6D223A2D312C226B65726E656C223A5B33322C312C382C315D2C226E616D65223A22636F6E7631222C226F70223A22636F6E76222C2270616464696E67223A227A65726F222C2272616E67655F6C6F6732223A312C2272656C75223A66616C73652C2277656967687473223A22696E7434227D2C7B2261637469766174696F6E73223A22696E7438222C2262617463685F6E6F726D223A66616C73652C2262696173223A66616C73652C2266726F6D223A302C226E616D65223A22676170222C226F70223A22676C6F62616C5F6176675F706F6F6C222C2272616E67655F6C6F6732223A302C2272656C75223A66616C73652C2277656967687473223A22696E7438227D2C7B2261637469766174696F6E73223A226E6F6E65222C2262617463685F6E6F726D223A66616C73652C2262696173223A747275652C2266726F6D223A312C226E616D65223A226C6F67697473222C226F70223A2264656E7365222C2272616E67655F6C6F6732223A312C2272656C75223A66616C73652C22756E697473223A342C2277656967687473223A22696E7434227D5D2C226E616D65223A2264656D6F227D7D');
CREATE TABLE attempt (
  trial INTEGER NOT NULL REFERENCES trial (number),
  n INTEGER NOT NULL CHECK (n >= 1),
  started_us INTEGER NOT NULL,
  ended_us INTEGER,
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (trial, n)
) STRICT, WITHOUT ROWID;
INSERT INTO "attempt" VALUES(0,1,1795745025051491,1795745031221245,'finished');
INSERT INTO "attempt" VALUES(1,1,1795745025545162,1795745032107545,'finished');
INSERT INTO "attempt" VALUES(2,1,1795745026338534,1795745033537838,'finished');
CREATE TABLE earlier_result (
  study INTEGER NOT NULL REFERENCES earlier_study (idx),
  idx INTEGER NOT NULL CHECK (idx >= 0),
  trial INTEGER NOT NULL,
  parameters TEXT NOT NULL,
  error REAL NOT NULL,
  PRIMARY KEY (study, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE earlier_study (
  idx INTEGER PRIMARY KEY CHECK (idx >= 0),
  path TEXT NOT NULL,
  uuid TEXT NOT NULL,
  name TEXT NOT NULL,
  results INTEGER NOT NULL CHECK (results >= 0),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64)
) STRICT;
CREATE TABLE epoch (
  trial INTEGER NOT NULL REFERENCES trial (number),
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL CHECK (epoch >= 1),
  learning_rate REAL,
  train_loss REAL,
  validation_accuracy REAL,
  PRIMARY KEY (trial, attempt, epoch)
) STRICT, WITHOUT ROWID;
INSERT INTO "epoch" VALUES(0,1,1,2.5142857142857141274e-03,1.38537987354021785435e+00,2.96296296296296279848e-01);
INSERT INTO "epoch" VALUES(0,1,2,3.99206967096687060508e-03,1.36038129283786912715e+00,3.88888888888888895056e-01);
INSERT INTO "epoch" VALUES(0,1,3,3.90658881052583211584e-03,1.27401584431028580546e+00,6.4583333333333337034e-01);
INSERT INTO "epoch" VALUES(0,1,4,3.7310707226768046428e-03,1.03533192750168701046e+00,7.54629629629629650189e-01);
INSERT INTO "epoch" VALUES(0,1,5,3.47382591172145554006e-03,7.34376387481795678269e-01,9.18981481481481510265e-01);
INSERT INTO "epoch" VALUES(0,1,6,3.14703451324709190459e-03,5.71317499755572111297e-01,9.12037037037037090492e-01);
INSERT INTO "epoch" VALUES(0,1,7,2.76616958394007312477e-03,4.82867912162638246442e-01,9.42129629629629650189e-01);
INSERT INTO "epoch" VALUES(0,1,8,2.34926447678498106705e-03,4.41351992367711387643e-01,9.30555555555555580227e-01);
INSERT INTO "epoch" VALUES(0,1,9,1.916058990276999505e-03,4.10340124959571672658e-01,9.5833333333333337034e-01);
INSERT INTO "epoch" VALUES(0,1,10,1.48706472013398539357e-03,3.81708173757399238379e-01,9.30555555555555580227e-01);
INSERT INTO "epoch" VALUES(0,1,11,1.08259386762878432285e-03,0.373612512691505,9.56018518518518489734e-01);
INSERT INTO "epoch" VALUES(0,1,12,7.21797488933652070693e-04,3.61239723061921425006e-01,9.49074074074074069962e-01);
INSERT INTO "epoch" VALUES(0,1,13,4.21758722851646320264e-04,3.59924404924247487436e-01,9.60648148148148139924e-01);
INSERT INTO "epoch" VALUES(0,1,14,1.96683931170028332554e-04,3.49729685975851467549e-01,9.56018518518518489734e-01);
INSERT INTO "epoch" VALUES(0,1,15,5.72300498626904867709e-05,3.48035881390083845499e-01,9.56018518518518489734e-01);
INSERT INTO "epoch" VALUES(0,1,16,1.0e-05,3.51554205865901137073e-01,9.5833333333333337034e-01);
INSERT INTO "epoch" VALUES(1,1,1,6.28571428571428596904e-03,1.21021493540570101998e+00,0.8125);
INSERT INTO "epoch" VALUES(1,1,2,9.98014436415013521386e-03,2.93549622026080425651e-01,9.62962962962962909507e-01);
INSERT INTO "epoch" VALUES(1,1,3,9.76612085642933856755e-03,1.63909569221640599723e-01,9.81481481481481510265e-01);
INSERT INTO "epoch" VALUES(1,1,4,9.32666579437124720897e-03,1.09533486224514753359e-01,9.5833333333333337034e-01);
INSERT INTO "epoch" VALUES(1,1,5,8.68258668122740169537e-03,9.12039187033963777428e-02,9.88425925925925930037e-01);
INSERT INTO "epoch" VALUES(1,1,6,7.86437964594948434038e-03,1.06820081652917758807e-01,9.74537037037037090492e-01);
INSERT INTO "epoch" VALUES(1,1,7,6.91078549963943054162e-03,6.3183868671994769528e-02,9.60648148148148139924e-01);
INSERT INTO "epoch" VALUES(1,1,8,5.8669554193187863772e-03,8.13954353418983728163e-02,9.76851851851851860075e-01);
INSERT INTO "epoch" VALUES(1,1,9,4.78231311099429085703e-03,5.48858338995790243086e-02,9.88425925925925930037e-01);
INSERT INTO "epoch" VALUES(1,1,10,3.70821467522268509789e-03,5.48733745294624417065e-02,1.0);
INSERT INTO "epoch" VALUES(1,1,11,2.69551697684500138688e-03,4.62052819649104440369e-02,9.76851851851851860075e-01);
INSERT INTO "epoch" VALUES(1,1,12,1.79216965274365505784e-03,5.23720925968099923486e-02,9.81481481481481510265e-01);
INSERT INTO "epoch" VALUES(1,1,13,1.04094477225261800024e-03,3.81216620756274562897e-02,9.90740740740740699621e-01);
INSERT INTO "epoch" VALUES(1,1,14,4.77411647215183695697e-04,5.27952191054405356451e-02,9.9537037037037034981e-01);
INSERT INTO "epoch" VALUES(1,1,15,1.28252681235157400818e-04,4.0916481209860092183e-02,9.97685185185185230416e-01);
INSERT INTO "epoch" VALUES(1,1,16,1.0e-05,3.05151653816263870866e-02,9.97685185185185230416e-01);
INSERT INTO "epoch" VALUES(2,1,1,6.28571428571428596904e-03,1.45316428022923127549e+00,5.37037037037037090492e-01);
INSERT INTO "epoch" VALUES(2,1,2,9.98014436415013521386e-03,6.75584905395916313075e-01,8.00925925925925930037e-01);
INSERT INTO "epoch" VALUES(2,1,3,9.76612085642933856755e-03,4.07401289828263180048e-01,0.8125);
INSERT INTO "epoch" VALUES(2,1,4,9.32666579437124720897e-03,0.34235691195068,8.40277777777777790113e-01);
INSERT INTO "epoch" VALUES(2,1,5,8.68258668122740169537e-03,2.80946087805054312003e-01,8.49537037037037090492e-01);
INSERT INTO "epoch" VALUES(2,1,6,7.86437964594948434038e-03,3.26895606433814434055e-01,8.88888888888888839545e-01);
INSERT INTO "epoch" VALUES(2,1,7,6.91078549963943054162e-03,3.02248150122682357476e-01,8.35648148148148139924e-01);
INSERT INTO "epoch" VALUES(2,1,8,5.8669554193187863772e-03,2.89398754865317187068e-01,7.63888888888888839545e-01);
INSERT INTO "epoch" VALUES(2,1,9,4.78231311099429085703e-03,2.77666686127803652439e-01,8.51851851851851860075e-01);
INSERT INTO "epoch" VALUES(2,1,10,3.70821467522268509789e-03,2.61502473615216168845e-01,8.98148148148148139924e-01);
INSERT INTO "epoch" VALUES(2,1,11,2.69551697684500138688e-03,2.5819320387584593357e-01,9.09722222222222209886e-01);
INSERT INTO "epoch" VALUES(2,1,12,1.79216965274365505784e-03,2.53238432591390283388e-01,7.89351851851851860075e-01);
INSERT INTO "epoch" VALUES(2,1,13,1.04094477225261800024e-03,2.41432891262258558784e-01,9.09722222222222209886e-01);
INSERT INTO "epoch" VALUES(2,1,14,4.77411647215183695697e-04,2.26025208311372544089e-01,8.63425925925925930037e-01);
INSERT INTO "epoch" VALUES(2,1,15,1.28252681235157400818e-04,2.3559000215782929799e-01,9.23611111111111160454e-01);
INSERT INTO "epoch" VALUES(2,1,16,1.0e-05,1.88298194285246883739e-01,9.18981481481481510265e-01);
CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  time_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  json TEXT NOT NULL
) STRICT;
INSERT INTO "event" VALUES(1,1795745024600091,'created','{"compiler":"g++ 12.2.0","cpu":"Intel(R) Xeon(R) Processor","dataset_sha256":"f65227799dd6abae912ccfedd2d20d0c1dccee7cfb96079e12b0da9b488729aa","git_commit":"08c303d980fb","host":"vm","sqlite":"3.40.1","version":"0.1.0"}');
CREATE TABLE layer (
  trial INTEGER NOT NULL REFERENCES trial (number),
  idx INTEGER NOT NULL,
  name TEXT NOT NULL,
  kernel TEXT NOT NULL,
  macs INTEGER NOT NULL,
  constant_bytes INTEGER NOT NULL,
  output_bytes INTEGER NOT NULL,
  instructions REAL,
  cycles REAL,
  PRIMARY KEY (trial, idx)
) STRICT, WITHOUT ROWID;
INSERT INTO "layer" VALUES(0,0,'conv1','conv2d_a16w4',38400,460,300,1.71199615825280023273e+05,214765.6056678);
INSERT INTO "layer" VALUES(0,1,'gap','sum_pool',0,280,16,21013.3875519,2.5833226175000003422e+04);
INSERT INTO "layer" VALUES(0,2,'logits','dense_a16w4',64,120,16,6.95574515149799935901e+02,9.6805889227999978178e+02);
INSERT INTO "layer" VALUES(1,0,'conv1','conv2d_a16w8',9600,684,148,88487.8501596,120188.67353219);
INSERT INTO "layer" VALUES(1,1,'conv2','conv2d_axwx',7104,364,36,3.81064170918999938295e+05,489913.28815);
INSERT INTO "layer" VALUES(1,2,'conv3','conv2d_axwx',2880,476,16,123376.544072,1.5875082835999998497e+05);
INSERT INTO "layer" VALUES(1,3,'flatten','',0,0,0,0.0,0.0);
INSERT INTO "layer" VALUES(1,4,'logits','conv2d_axwx',128,104,16,6715.935659,8700.709098);
INSERT INTO "layer" VALUES(2,0,'conv1','conv2d_axwx',9600,156,40,560715.474671,720242.004926);
INSERT INTO "layer" VALUES(2,1,'conv2','conv2d_a1w1_poly5',7104,396,40,12902.700883,1.60214123659999986559e+04);
INSERT INTO "layer" VALUES(2,2,'conv3','conv2d_a1w1_poly5',7104,396,12,11420.155464,1.42926061660000013942e+04);
INSERT INTO "layer" VALUES(2,3,'flatten','',0,0,0,0.0,0.0);
INSERT INTO "layer" VALUES(2,4,'logits','conv2d_axwx',288,232,16,14077.119659,18141.525098);
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('compiler','g++ 12.2.0');
INSERT INTO "meta" VALUES('cpu','Intel(R) Xeon(R) Processor');
INSERT INTO "meta" VALUES('dataset_sha256','f65227799dd6abae912ccfedd2d20d0c1dccee7cfb96079e12b0da9b488729aa');
INSERT INTO "meta" VALUES('git_commit','08c303d980fb');
INSERT INTO "meta" VALUES('host','vm');
INSERT INTO "meta" VALUES('sqlite','3.40.1');
INSERT INTO "meta" VALUES('version','0.1.0');
CREATE TABLE objective (
  idx INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "objective" VALUES(0,'error');
INSERT INTO "objective" VALUES(1,'flash');
INSERT INTO "objective" VALUES(2,'latency');
CREATE TABLE param (
  trial INTEGER NOT NULL REFERENCES trial (number),
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (trial, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "param" VALUES(0,'block1.activations','ternary');
INSERT INTO "param" VALUES(0,'block1.channels','16');
INSERT INTO "param" VALUES(0,'block1.kernel','32');
INSERT INTO "param" VALUES(0,'block1.kind','conv');
INSERT INTO "param" VALUES(0,'block1.pool','1');
INSERT INTO "param" VALUES(0,'block1.stride','8');
INSERT INTO "param" VALUES(0,'block1.weights','int4');
INSERT INTO "param" VALUES(0,'blocks','1');
INSERT INTO "param" VALUES(0,'head','global_pool_dense');
INSERT INTO "param" VALUES(0,'head_weights','int4');
INSERT INTO "param" VALUES(1,'block1.activations','uint4');
INSERT INTO "param" VALUES(1,'block1.channels','8');
INSERT INTO "param" VALUES(1,'block1.kernel','16');
INSERT INTO "param" VALUES(1,'block1.kind','conv');
INSERT INTO "param" VALUES(1,'block1.pool','2');
INSERT INTO "param" VALUES(1,'block1.stride','8');
INSERT INTO "param" VALUES(1,'block1.weights','int8');
INSERT INTO "param" VALUES(1,'block2.activations','uint4');
INSERT INTO "param" VALUES(1,'block2.channels','8');
INSERT INTO "param" VALUES(1,'block2.kernel','3');
INSERT INTO "param" VALUES(1,'block2.kind','conv');
INSERT INTO "param" VALUES(1,'block2.pool','4');
INSERT INTO "param" VALUES(1,'block2.stride','1');
INSERT INTO "param" VALUES(1,'block2.weights','ternary');
INSERT INTO "param" VALUES(1,'block3.activations','uint4');
INSERT INTO "param" VALUES(1,'block3.channels','8');
INSERT INTO "param" VALUES(1,'block3.kernel','5');
INSERT INTO "param" VALUES(1,'block3.kind','conv');
INSERT INTO "param" VALUES(1,'block3.pool','2');
INSERT INTO "param" VALUES(1,'block3.stride','1');
INSERT INTO "param" VALUES(1,'block3.weights','int4');
INSERT INTO "param" VALUES(1,'blocks','3');
INSERT INTO "param" VALUES(1,'head','flatten_dense');
INSERT INTO "param" VALUES(1,'head_weights','binary');
INSERT INTO "param" VALUES(1,'hidden','0');
INSERT INTO "param" VALUES(2,'block1.activations','binary');
INSERT INTO "param" VALUES(2,'block1.channels','8');
INSERT INTO "param" VALUES(2,'block1.kernel','16');
INSERT INTO "param" VALUES(2,'block1.kind','conv');
INSERT INTO "param" VALUES(2,'block1.pool','2');
INSERT INTO "param" VALUES(2,'block1.stride','8');
INSERT INTO "param" VALUES(2,'block1.weights','int4');
INSERT INTO "param" VALUES(2,'block2.activations','binary');
INSERT INTO "param" VALUES(2,'block2.channels','8');
INSERT INTO "param" VALUES(2,'block2.kernel','3');
INSERT INTO "param" VALUES(2,'block2.kind','conv');
INSERT INTO "param" VALUES(2,'block2.pool','1');
INSERT INTO "param" VALUES(2,'block2.stride','1');
INSERT INTO "param" VALUES(2,'block2.weights','binary');
INSERT INTO "param" VALUES(2,'block3.activations','binary');
INSERT INTO "param" VALUES(2,'block3.channels','8');
INSERT INTO "param" VALUES(2,'block3.kernel','3');
INSERT INTO "param" VALUES(2,'block3.kind','conv');
INSERT INTO "param" VALUES(2,'block3.pool','4');
INSERT INTO "param" VALUES(2,'block3.stride','1');
INSERT INTO "param" VALUES(2,'block3.weights','binary');
INSERT INTO "param" VALUES(2,'blocks','3');
INSERT INTO "param" VALUES(2,'head','flatten_dense');
INSERT INTO "param" VALUES(2,'head_weights','int4');
INSERT INTO "param" VALUES(2,'hidden','0');
CREATE TABLE proposal (
  trial INTEGER PRIMARY KEY REFERENCES trial (number),
  source TEXT NOT NULL,
  mean REAL,
  deviation REAL,
  log_success REAL,
  log_acquisition REAL,
  hypervolume REAL,
  code TEXT NOT NULL,
  CHECK ((mean IS NULL) = (deviation IS NULL))
) STRICT;
INSERT INTO "proposal" VALUES(0,'initial',NULL,NULL,NULL,NULL,NULL,'0.1.0 08c303d980fb');
INSERT INTO "proposal" VALUES(1,'initial',NULL,NULL,NULL,NULL,NULL,'0.1.0 08c303d980fb');
INSERT INTO "proposal" VALUES(2,'initial',NULL,NULL,NULL,NULL,NULL,'0.1.0 08c303d980fb');
CREATE TABLE proposal_parent (
  trial INTEGER NOT NULL REFERENCES trial (number),
  idx INTEGER NOT NULL,
  parent INTEGER NOT NULL REFERENCES trial (number),
  PRIMARY KEY (trial, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE proposal_rejection (
  trial INTEGER NOT NULL REFERENCES trial (number),
  rule TEXT NOT NULL,
  candidates INTEGER NOT NULL CHECK (candidates >= 0),
  PRIMARY KEY (trial, rule)
) STRICT, WITHOUT ROWID;
INSERT INTO "proposal_rejection" VALUES(0,'duplicate',54);
INSERT INTO "proposal_rejection" VALUES(0,'flash',217);
INSERT INTO "proposal_rejection" VALUES(0,'latency',1478);
INSERT INTO "proposal_rejection" VALUES(0,'ram',70);
INSERT INTO "proposal_rejection" VALUES(1,'duplicate',75);
INSERT INTO "proposal_rejection" VALUES(1,'flash',252);
INSERT INTO "proposal_rejection" VALUES(1,'latency',1497);
INSERT INTO "proposal_rejection" VALUES(1,'ram',104);
INSERT INTO "proposal_rejection" VALUES(2,'duplicate',74);
INSERT INTO "proposal_rejection" VALUES(2,'flash',295);
INSERT INTO "proposal_rejection" VALUES(2,'latency',1583);
INSERT INTO "proposal_rejection" VALUES(2,'ram',82);
CREATE TABLE rejection (
  rule TEXT PRIMARY KEY,
  candidates INTEGER NOT NULL CHECK (candidates >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO "rejection" VALUES('duplicate',79790);
INSERT INTO "rejection" VALUES('flash',12529);
INSERT INTO "rejection" VALUES('latency',97363);
INSERT INTO "rejection" VALUES('ram',3699);
CREATE TABLE study (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  uuid TEXT NOT NULL CHECK (length(uuid) = 36),
  name TEXT NOT NULL,
  config_json TEXT NOT NULL,
  comparable_config TEXT NOT NULL,
  comparable_sha256 TEXT NOT NULL CHECK (length(comparable_sha256) = 64),
  seed INTEGER NOT NULL,
  created_us INTEGER NOT NULL
) STRICT;
INSERT INTO "study" VALUES(1,'725bf386-3078-4df0-a609-7a6345ab6b3f','demo','{"board":{"clock":"80000000 Hz","core":"cortex-m4","current":"100 uA/MHz","data_cache":{"line":"32 B","lines":8,"ways":0},"flash":"1048576 B","flash_read":"64 bit","flash_wait_states":4,"fpu":true,"instruction_cache":{"line":"32 B","lines":32,"ways":0},"mcu":"STM32L476RG","name":"nucleo-l476rg","prefetch":true,"ram":[{"name":"sram1","size":"98304 B"},{"name":"sram2","size":"32768 B"}],"ram_total":"131072 B","regulator":"","shared_memory":"none","sleep_current":"none","sources":{"clock":"ST DS10198, features: frequency up to 80 MHz","core":"ST DS10198, features: Cortex-M4 with FPU","current":"ST DS10198, features: 100 uA/MHz in run mode","data_cache":"STM32CubeL4 stm32l4xx_hal_flash.c: 8 lines of 4 x 64 bits on D-Code","flash":"ST DS10198, features: up to 1 MB flash; G is 1 MB in the ordering code","flash_read":"STM32CubeL4 stm32l4xx_hal_flash.c: lines of 4 x 64 bits, words of 64 bits with ECC","flash_wait_states":"ST RM0351, number of wait states at 64..80 MHz, VCORE range 1; STM32CubeL4 stm32l4xx_ll_utils.c, UTILS_SCALE1_LATENCY4_FREQ","instruction_cache":"STM32CubeL4 stm32l4xx_hal_flash.c: 32 lines of 4 x 64 bits on I-Code","prefetch":"STM32CubeL4 stm32l4xx_hal_flash.c: prefetch on I-Code","ram":"ST RM0351, memory organization: SRAM1 96 KB, SRAM2 32 KB with parity","ram_total":"ST DS10198, title: up to 1 MB flash, 128 KB SRAM","supply":"ST UM1724, Nucleo-64: the 3.3 V regulator"},"supply":"3.3 V","title":"ST Nucleo-64 with STM32L476RG"},"data":{"clip_sigmas":4.0,"held_out":"3","hop":300,"input_format":"int8","kind":"simulator","protocol":"leave-load","recordings":64,"samples":24000,"split_seed":1,"task":"classification","test_share":0.2,"validation_by":"share","validation_share":0.25,"window":600},"duty_cycle":{"battery":"none","inferences_per_hour":"none","sleep_current":"none"},"execution":"layers","limits":{"accuracy":"none","average_power":"none","energy":"none","flash":"8192 B","latency":"10000 us","macs":"none","params":"none","ram":"2048 B","ram_bank":"","soft":{"average_power":"none","energy":"none","flash":"none","latency":"none","macs":"none","params":"none","ram":"none"}},"name":"demo","objectives":["flash","latency"],"report_boards":[],"search":{"budget":"180 s","designs":[],"energy_budget":"none","jobs":8,"least_gain":"none","machine_power":"none","population":20,"sampler":"bayesian","seed":1,"tournament":4,"trials":80,"warm_start":[]},"space":{"block":{"activations":["binary","ternary","uint4"],"channels":[8,16,24],"kernel":[3,5],"kind":["conv"],"pool":[1,2,4],"stride":[1],"weights":["binary","ternary","int4"]},"first":{"activations":[],"channels":[],"kernel":[9,16,32],"kind":[],"pool":[1,2],"stride":[4,8],"weights":["int8","int4","binary"]},"head":["flatten_dense","global_pool_dense"],"head_weights":["int8","int4","binary"],"hidden":[0],"max_blocks":3,"min_blocks":1,"padding":"zero"},"training":{"activation_range":"fixed","balanced_classes":false,"batch_norm_momentum":0.1,"batch_size":32,"circular_shift":false,"device":"auto","distillation":0.0,"distillation_temperature":2.0,"epochs":16,"final_learning_rate":1e-05,"float_activations":0.0,"float_weights":0.0,"jitter":0.0,"label_smoothing":0.0,"latent_init":0.1,"learning_rate":0.0,"max_train_examples":0,"mixup":0.0,"patience":0,"scaling":0.0,"stochastic_rounding":false,"surrogate":"clip","teacher_epochs":10,"warmup_fraction":0.1,"weight_scale":"channel"}}','{"board.clock":"80000000 Hz","board.core":"cortex-m4","board.current":"100 uA/MHz","board.flash":"1048576 B","board.name":"nucleo-l476rg","board.ram.0.name":"sram1","board.ram.0.size":"98304 B","board.ram.1.name":"sram2","board.ram.1.size":"32768 B","board.supply":"3.3 V","data.clip_sigmas":4.0,"data.held_out":"3","data.hop":300,"data.input_format":"int8","data.kind":"simulator","data.protocol":"leave-load","data.recordings":64,"data.samples":24000,"data.split_seed":1,"data.test_share":0.2,"data.validation_share":0.25,"data.window":600,"limits.energy":"none","limits.flash":"8192 B","limits.latency":"10000 us","limits.macs":"none","limits.ram":"2048 B","name":"demo","objectives":["flash","latency"],"search.population":20,"search.sampler":"bayesian","search.seed":1,"search.tournament":4,"space.block.activations":["binary","ternary","uint4"],"space.block.channels":[8,16,24],"space.block.kernel":[3,5],"space.block.kind":["conv"],"space.block.pool":[1,2,4],"space.block.stride":[1],"space.block.weights":["binary","ternary","int4"],"space.first.activations":[],"space.first.channels":[],"space.first.kernel":[9,16,32],"space.first.kind":[],"space.first.pool":[1,2],"space.first.stride":[4,8],"space.first.weights":["int8","int4","binary"],"space.head":["flatten_dense","global_pool_dense"],"space.head_weights":["int8","int4","binary"],"space.hidden":[0],"space.max_blocks":3,"space.min_blocks":1,"space.padding":"zero","training.batch_norm_momentum":0.1,"training.batch_size":32,"training.circular_shift":false,"training.epochs":16,"training.final_learning_rate":1e-05,"training.label_smoothing":0.0,"training.latent_init":0.1,"training.learning_rate":0.0,"training.max_train_examples":0,"training.patience":0,"training.warmup_fraction":0.1}','69f5071f42299e82ae01453ecc4d7a919f67e9e65519b1cdb38384cfbc420f57',1,1795745024599876);
CREATE TABLE trial (
  number INTEGER PRIMARY KEY CHECK (number >= 0),
  state TEXT NOT NULL CHECK (state IN ('RUNNING', 'COMPLETE', 'INFEASIBLE', 'FAIL')),
  finish_sequence INTEGER UNIQUE,
  hash TEXT NOT NULL UNIQUE,
  network_json TEXT NOT NULL,
  source TEXT NOT NULL,
  seed INTEGER NOT NULL,
  ask_watermark INTEGER NOT NULL CHECK (ask_watermark >= 0),
  rejected INTEGER NOT NULL CHECK (rejected >= 0),
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  failure TEXT NOT NULL DEFAULT '',
  train_seconds REAL,
  started_us INTEGER NOT NULL,
  ended_us INTEGER,
  CHECK ((state = 'RUNNING') = (finish_sequence IS NULL)),
  CHECK ((state = 'RUNNING') = (ended_us IS NULL))
) STRICT;
INSERT INTO "trial" VALUES(0,'COMPLETE',0,'e7c2a21856c8655402c7c305bbf84b97','{"input":{"format":"int8","shape":[600,1,1]},"layers":[{"activations":"ternary","batch_norm":true,"bias":false,"channels":16,"from":-1,"kernel":[32,1,8,1],"name":"conv1","op":"conv","padding":"zero","range_log2":1,"relu":false,"weights":"int4"},{"activations":"int8","batch_norm":false,"bias":false,"from":0,"name":"gap","op":"global_avg_pool","range_log2":0,"relu":false,"weights":"int8"},{"activations":"none","batch_norm":false,"bias":true,"from":1,"name":"logits","op":"dense","range_log2":1,"relu":false,"units":4,"weights":"int4"}],"name":"demo"}','initial',6396520470166291297,0,1525,1,'',5.27294756999999836288e-01,1795745025051491,1795745031221245);
INSERT INTO "trial" VALUES(1,'COMPLETE',1,'888eaa185f4226976dde5270e69700ab','{"input":{"format":"int8","shape":[600,1,1]},"layers":[{"activations":"uint4","batch_norm":true,"bias":false,"channels":8,"from":-1,"kernel":[16,1,8,1],"name":"conv1","op":"conv","padding":"zero","pool":[2,1,2,1],"range_log2":1,"relu":false,"weights":"int8"},{"activations":"uint4","batch_norm":true,"bias":false,"channels":8,"from":0,"kernel":[3,1,1,1],"name":"conv2","op":"conv","padding":"zero","pool":[4,1,4,1],"range_log2":1,"relu":false,"weights":"ternary"},{"activations":"uint4","batch_norm":true,"bias":false,"channels":8,"from":1,"kernel":[5,1,1,1],"name":"conv3","op":"conv","padding":"zero","pool":[2,1,2,1],"range_log2":1,"relu":false,"weights":"int4"},{"activations":"none","batch_norm":false,"bias":false,"from":2,"name":"flatten","op":"flatten","range_log2":1,"relu":false,"weights":"int8"},{"activations":"none","batch_norm":false,"bias":true,"from":3,"name":"logits","op":"dense","range_log2":1,"relu":false,"units":4,"weights":"binary"}],"name":"demo"}','initial',3150992677718134148,0,1547,1,'',0.556238004,1795745025545162,1795745032107545);
INSERT INTO "trial" VALUES(2,'COMPLETE',2,'69da800af6f613b22eb3eb07aa21f311','{"input":{"format":"int8","shape":[600,1,1]},"layers":[{"activations":"binary","batch_norm":true,"bias":false,"channels":8,"from":-1,"kernel":[16,1,8,1],"name":"conv1","op":"conv","padding":"zero","pool":[2,1,2,1],"range_log2":1,"relu":false,"weights":"int4"},{"activations":"binary","batch_norm":true,"bias":false,"channels":8,"from":0,"kernel":[3,1,1,1],"name":"conv2","op":"conv","padding":"zero","range_log2":1,"relu":false,"weights":"binary"},{"activations":"binary","batch_norm":true,"bias":false,"channels":8,"from":1,"kernel":[3,1,1,1],"name":"conv3","op":"conv","padding":"zero","pool":[4,1,4,1],"range_log2":1,"relu":false,"weights":"binary"},{"activations":"none","batch_norm":false,"bias":false,"from":2,"name":"flatten","op":"flatten","range_log2":1,"relu":false,"weights":"int8"},{"activations":"none","batch_norm":false,"bias":true,"from":3,"name":"logits","op":"dense","range_log2":1,"relu":false,"units":4,"weights":"int4"}],"name":"demo"}','initial',8306669473171521968,0,1653,1,'',5.84862108999999907865e-01,1795745026338534,1795745033537838);
CREATE TABLE value (
  trial INTEGER NOT NULL REFERENCES trial (number),
  kind TEXT NOT NULL CHECK (kind IN ('estimate', 'validation', 'test')),
  name TEXT NOT NULL,
  value REAL,
  PRIMARY KEY (trial, kind, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "value" VALUES(0,'estimate','arena_bytes',860.0);
INSERT INTO "value" VALUES(0,'estimate','average_power_uw',0.0);
INSERT INTO "value" VALUES(0,'estimate','code_bytes',6499.0);
INSERT INTO "value" VALUES(0,'estimate','constant_bytes',860.0);
INSERT INTO "value" VALUES(0,'estimate','cycles',2.41602784005080029592e+05);
INSERT INTO "value" VALUES(0,'estimate','energy_uj',79.7289187216764);
INSERT INTO "value" VALUES(0,'estimate','flash_bytes',7359.0);
INSERT INTO "value" VALUES(0,'estimate','instructions',1.92930172902329824862e+05);
INSERT INTO "value" VALUES(0,'estimate','latency_us',3.02003480006350037007e+03);
INSERT INTO "value" VALUES(0,'estimate','macs',38464.0);
INSERT INTO "value" VALUES(0,'estimate','parameters',612.0);
INSERT INTO "value" VALUES(0,'estimate','ram_bytes',1340.0);
INSERT INTO "value" VALUES(0,'estimate','stack_bytes',480.0);
INSERT INTO "value" VALUES(0,'validation','accuracy',9.60648148148148139924e-01);
INSERT INTO "value" VALUES(0,'validation','auc',9.97385116598079601857e-01);
INSERT INTO "value" VALUES(0,'validation','balanced_accuracy',9.60648148148148139924e-01);
INSERT INTO "value" VALUES(0,'validation','differing',0.0);
INSERT INTO "value" VALUES(0,'validation','f1',0.0);
INSERT INTO "value" VALUES(0,'validation','fake_quantized_accuracy',9.60648148148148139924e-01);
INSERT INTO "value" VALUES(0,'validation','macro_f1',9.60115871864984260497e-01);
INSERT INTO "value" VALUES(0,'validation','mae',0.0);
INSERT INTO "value" VALUES(0,'validation','r2',0.0);
INSERT INTO "value" VALUES(0,'validation','rmse',0.0);
INSERT INTO "value" VALUES(0,'validation','threshold',0.0);
INSERT INTO "value" VALUES(0,'validation','train_accuracy',9.71751412429378569335e-01);
INSERT INTO "value" VALUES(0,'validation','windows',432.0);
INSERT INTO "value" VALUES(1,'estimate','arena_bytes',824.0);
INSERT INTO "value" VALUES(1,'estimate','average_power_uw',0.0);
INSERT INTO "value" VALUES(1,'estimate','code_bytes',6455.0);
INSERT INTO "value" VALUES(1,'estimate','constant_bytes',1628.0);
INSERT INTO "value" VALUES(1,'estimate','cycles',7.77593137200189870802e+05);
INSERT INTO "value" VALUES(1,'estimate','energy_uj',2.56605735276062603129e+02);
INSERT INTO "value" VALUES(1,'estimate','flash_bytes',8083.0);
INSERT INTO "value" VALUES(1,'estimate','instructions',5.99669390089599881315e+05);
INSERT INTO "value" VALUES(1,'estimate','latency_us',9.71991421500237265732e+03);
INSERT INTO "value" VALUES(1,'estimate','macs',19712.0);
INSERT INTO "value" VALUES(1,'estimate','parameters',820.0);
INSERT INTO "value" VALUES(1,'estimate','ram_bytes',1304.0);
INSERT INTO "value" VALUES(1,'estimate','stack_bytes',480.0);
INSERT INTO "value" VALUES(1,'validation','accuracy',1.0);
INSERT INTO "value" VALUES(1,'validation','auc',1.0);
INSERT INTO "value" VALUES(1,'validation','balanced_accuracy',1.0);
INSERT INTO "value" VALUES(1,'validation','differing',0.0);
INSERT INTO "value" VALUES(1,'validation','f1',0.0);
INSERT INTO "value" VALUES(1,'validation','fake_quantized_accuracy',1.0);
INSERT INTO "value" VALUES(1,'validation','macro_f1',1.0);
INSERT INTO "value" VALUES(1,'validation','mae',0.0);
INSERT INTO "value" VALUES(1,'validation','r2',0.0);
INSERT INTO "value" VALUES(1,'validation','rmse',0.0);
INSERT INTO "value" VALUES(1,'validation','threshold',0.0);
INSERT INTO "value" VALUES(1,'validation','train_accuracy',9.964689265536723628e-01);
INSERT INTO "value" VALUES(1,'validation','windows',432.0);
INSERT INTO "value" VALUES(2,'estimate','arena_bytes',732.0);
INSERT INTO "value" VALUES(2,'estimate','average_power_uw',0.0);
INSERT INTO "value" VALUES(2,'estimate','code_bytes',5459.0);
INSERT INTO "value" VALUES(2,'estimate','constant_bytes',1180.0);
INSERT INTO "value" VALUES(2,'estimate','cycles',768737.186616);
INSERT INTO "value" VALUES(2,'estimate','energy_uj',253.68327158328);
INSERT INTO "value" VALUES(2,'estimate','flash_bytes',6639.0);
INSERT INTO "value" VALUES(2,'estimate','instructions',599140.339957);
INSERT INTO "value" VALUES(2,'estimate','latency_us',9.60921483270000135242e+03);
INSERT INTO "value" VALUES(2,'estimate','macs',24096.0);
INSERT INTO "value" VALUES(2,'estimate','parameters',852.0);
INSERT INTO "value" VALUES(2,'estimate','ram_bytes',1196.0);
INSERT INTO "value" VALUES(2,'estimate','stack_bytes',464.0);
INSERT INTO "value" VALUES(2,'validation','accuracy',9.23611111111111160454e-01);
INSERT INTO "value" VALUES(2,'validation','auc',9.91105109739368939081e-01);
INSERT INTO "value" VALUES(2,'validation','balanced_accuracy',0.923611111111111);
INSERT INTO "value" VALUES(2,'validation','differing',0.0);
INSERT INTO "value" VALUES(2,'validation','f1',0.0);
INSERT INTO "value" VALUES(2,'validation','fake_quantized_accuracy',9.23611111111111160454e-01);
INSERT INTO "value" VALUES(2,'validation','macro_f1',9.24426152920327370843e-01);
INSERT INTO "value" VALUES(2,'validation','mae',0.0);
INSERT INTO "value" VALUES(2,'validation','r2',0.0);
INSERT INTO "value" VALUES(2,'validation','rmse',0.0);
INSERT INTO "value" VALUES(2,'validation','threshold',0.0);
INSERT INTO "value" VALUES(2,'validation','train_accuracy',9.50211864406779627145e-01);
INSERT INTO "value" VALUES(2,'validation','windows',432.0);
CREATE TABLE violation (
  trial INTEGER NOT NULL REFERENCES trial (number),
  idx INTEGER NOT NULL,
  rule TEXT NOT NULL,
  value REAL,
  bound REAL,
  message TEXT NOT NULL,
  PRIMARY KEY (trial, idx)
) STRICT, WITHOUT ROWID;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('event',1);
COMMIT;
